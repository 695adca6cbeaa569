import CLinux
import Glibc
import Synchronization

/// Messages from other threads to a loop: posting wakes the loop, which drains them in its own turn.
package final class Mailbox<Message: Sendable>: Sendable {
  /// An eventfd (eventfd(2)), readable while messages wait. Register it level-triggered.
  package let wakeUp: Int32
  private let waiting = Mutex<[Message]>([])

  /// - Throws: ``SystemError`` when the kernel has no descriptor left.
  package init() throws(SystemError) {
    wakeUp = clinux_event_fd()
    guard wakeUp >= 0 else { throw SystemError(call: "eventfd", code: errno) }
  }

  deinit { close(wakeUp) }

  package func post(_ message: Message) {
    waiting.withLock { $0.append(message) }
    var one: UInt64 = 1
    _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
  }

  /// Everything posted so far, oldest first.
  package func drain() -> [Message] {
    var count: UInt64 = 0
    _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
    return waiting.withLock { messages in
      defer { messages = [] }
      return messages
    }
  }
}
