import CLinux
import Glibc

/// Readiness of descriptors, by edge-triggered epoll (epoll(7)).
///
/// A descriptor is registered once and never touched again on the data path: a connection that must wait is
/// simply not read. The token is what `wait` hands back: the caller's index and generation.
package struct Poller: ~Copyable {
  private let descriptor: Int32
  /// Invariant: `capacity` initialised events, owned by this value and freed in `deinit`; only the first
  /// `count` (the last `wait`'s result) mean anything.
  private let events: UnsafeMutablePointer<epoll_event>
  private let capacity: Int

  /// - Throws: ``SystemError`` when the kernel has no descriptor left.
  package init(capacity: Int = 512) throws(SystemError) {
    let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
    self.descriptor = descriptor
    self.capacity = capacity
    events = .allocate(capacity: capacity)
    events.initialize(repeating: epoll_event(), count: capacity)
  }

  deinit {
    close(descriptor)
    events.deallocate()
  }

  /// Registers edge-triggered. Unix sockets report every read of their peer as "writable", so ask for
  /// writability there only once a write was refused (``modify(_:token:writable:)``).
  package func add(_ fd: Int32, token: UInt64, writable: Bool) throws(SystemError) {
    guard clinux_epoll_add(descriptor, fd, token, writable ? 1 : 0) == 0 else {
      throw SystemError(call: "epoll_ctl", code: errno)
    }
  }

  /// Registers level-triggered for reading: listeners, signals, wake-ups.
  package func addLevel(_ fd: Int32, token: UInt64) throws(SystemError) {
    guard clinux_epoll_add_level(descriptor, fd, token) == 0 else {
      throw SystemError(call: "epoll_ctl", code: errno)
    }
  }

  package func modify(_ fd: Int32, token: UInt64, writable: Bool) {
    _ = clinux_epoll_modify(descriptor, fd, token, writable ? 1 : 0)
  }

  /// Registers edge-triggered, or changes that: for the peer's end and, where it is wanted, for bytes or room.
  func set(_ fd: Int32, token: UInt64, isNew: Bool, readable: Bool, writable: Bool) {
    _ = clinux_epoll_set(descriptor, fd, token, isNew ? 1 : 0, readable ? 1 : 0, writable ? 1 : 0)
  }

  /// Readable while there are events: one poller can so be waited for by another.
  var ownDescriptor: Int32 { descriptor }

  package func remove(_ fd: Int32) {
    _ = clinux_epoll_remove(descriptor, fd)
  }

  /// Waits for events; `milliseconds` < 0 waits for ever. Returns how many there are (0 when interrupted).
  @inline(__always)
  package func wait(milliseconds: Int32) -> Int {
    let count = epoll_wait(descriptor, events, Int32(capacity), milliseconds)
    return count < 0 ? 0 : Int(count)
  }

  /// The event at `index`, below what the last ``wait(milliseconds:)`` returned.
  @inline(__always)
  package func event(_ index: Int) -> Readiness {
    precondition(index >= 0 && index < capacity)
    return Readiness(token: events[index].data.u64, bits: events[index].events)
  }
}

/// What happened to one descriptor.
package struct Readiness {
  package let token: UInt64
  package let bits: UInt32

  @inline(__always) package var isReadable: Bool { bits & UInt32(CLINUX_IN) != 0 }
  @inline(__always) package var isWritable: Bool { bits & UInt32(CLINUX_OUT) != 0 }
  /// The peer closed its side, or the connection broke. Bytes may still be waiting to be read.
  /// The connection broke: neither side hears the other any more.
  @inline(__always) package var isBroken: Bool { bits & UInt32(CLINUX_BROKEN) != 0 }
  @inline(__always) package var isHangup: Bool { bits & UInt32(CLINUX_HANGUP) != 0 }
}

/// A system call that failed.
package struct SystemError: Error, Equatable, Sendable {
  package let call: String
  /// `errno` (errno(3)).
  package let code: Int32

  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// The system's own words: "Connection refused".
  package var reason: String { String(cString: strerror(code)) }
}
