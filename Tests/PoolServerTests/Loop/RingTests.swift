import Glibc
import Testing

@testable import PoolServer

@Suite("io_uring", .enabled(if: PoolServer.hasRing, "this kernel has no io_uring, or forbids it"))
struct RingTests {
  /// Two connected sockets, closed at the end.
  private final class Pair {
    let here: Int32
    let there: Int32

    init() throws {
      var sockets: [Int32] = [-1, -1]
      try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0)
      here = sockets[0]
      there = sockets[1]
    }

    deinit {
      close(here)
      close(there)
    }

    func write(_ text: String) { _ = Glibc.write(there, text, text.utf8.count) }

    func read() -> String {
      var bytes = [UInt8](repeating: 0, count: 1_000)
      let count = recv(there, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
  }

  /// The next completion, within ten seconds.
  private func next(_ ring: borrowing Ring) throws -> Completion {
    for _ in 0..<10 {
      if let completion = ring.next() { return completion }
      ring.enter(waitsFor: 1, nanoseconds: 1_000_000_000)
    }
    let last = ring.next()
    return try #require(last)
  }

  private func text(_ ring: borrowing Ring, _ completion: Completion) throws -> String {
    let buffer = try #require(completion.buffer)
    defer { ring.giveBack(buffer) }
    return String(decoding: ring.received(buffer, count: completion.result), as: UTF8.self)
  }

  @Test("receives again and again, then tells of the end")
  func receives() throws {
    let ring = try Ring(opening: ())
    let pair = try Pair()
    ring.receive(pair.here, token: 7)
    // More often than there are buffers, so that each must come back.
    for number in 0..<2_000 {
      pair.write("message \(number)")
      let completion = try next(ring)
      #expect(completion.token == 7 && completion.goesOn)
      let received = try text(ring, completion)
      #expect(received == "message \(number)")
    }
    shutdown(pair.there, Int32(SHUT_WR))
    let end = try next(ring)
    #expect(end.result == 0 && !end.goesOn)
  }

  @Test("receives up to a whole buffer at a time")
  func sizes() throws {
    let ring = try Ring(opening: ())
    let pair = try Pair()
    pair.write(String(repeating: "x", count: Ring.bufferSize + 10))
    ring.receive(pair.here, token: 1)
    let first = try text(ring, try next(ring))
    let second = try text(ring, try next(ring))
    #expect(first.utf8.count == Ring.bufferSize && second.utf8.count == 10)
  }

  @Test("without a buffer left it stops, and what has come stays in the socket")
  func noBuffers() throws {
    let ring = try Ring(opening: ())
    let pair = try Pair()
    ring.receive(pair.here, token: 1)
    var taken: [UInt16] = []
    for _ in 0..<Ring.bufferCount {
      pair.write("x")
      taken.append(try #require(try next(ring).buffer))
    }
    pair.write("late")
    let refused = try next(ring)
    #expect(refused.result == -ENOBUFS && !refused.goesOn && refused.buffer == nil)
    for buffer in taken { ring.giveBack(buffer) }
    ring.receive(pair.here, token: 2)
    let received = try text(ring, try next(ring))
    #expect(received == "late")
  }

  @Test("stops receiving when it is told, and leaves what comes then to the socket")
  func cancel() throws {
    let ring = try Ring(opening: ())
    let pair = try Pair()
    ring.receive(pair.here, token: 1)
    ring.cancel(1, token: 2)
    var stopped: Int32 = 0
    for _ in 0..<2 {
      let completion = try next(ring)
      if completion.token == 1 { stopped = completion.result }
    }
    #expect(stopped == -ECANCELED)
    pair.write("later")
    ring.enter(waitsFor: 0, nanoseconds: 0)
    let none = ring.next()
    #expect(none == nil)
    ring.receive(pair.here, token: 3)
    let received = try text(ring, try next(ring))
    #expect(received == "later")
  }

  @Test("sends are done once they are submitted, and lengthened before that")
  func sends() throws {
    let ring = try Ring(opening: ())
    var queue = SendQueue()
    let pair = try Pair()
    ring.send(pair.here, queue.add(5, "first", count: 5), count: 5, token: 0)
    let canGrow = queue.isLast(5) && ring.endsWithSend && ring.hasRequests
    #expect(canGrow)
    queue.lengthen(" and second", count: 11)
    ring.lengthenSend(by: 11)
    #expect(pair.read() == "")
    ring.submit()
    let isDone = !ring.hasRequests
    // Without waiting for it.
    let completion = ring.next()
    #expect(isDone && completion?.result == 16)
    let settled = queue.settle(0).count
    let unsettled = queue.unsettled
    #expect(settled == 16 && unsettled == 0)
    #expect(pair.read() == "first and second")
  }

  @Test("a send takes what the socket has room for, and does not wait for more")
  func fullSocket() throws {
    let ring = try Ring(opening: ())
    var queue = SendQueue()
    let pair = try Pair()
    let much = [UInt8](repeating: 1, count: 900_000)
    ring.send(pair.here, queue.add(5, much, count: much.count), count: much.count, token: 0)
    ring.submit()
    let completion = ring.next()
    let taken = try #require(completion).result
    #expect(taken > 0 && taken < 900_000)
    let entry = queue.settle(0)
    let rest = queue.rest(of: entry, from: Int(taken)).count
    #expect(rest == 900_000 - Int(taken))
    queue.removeAll()
    ring.send(pair.here, queue.add(5, much, count: 10), count: 10, token: 0)
    ring.submit()
    let refused = ring.next()
    #expect(refused?.result == -EAGAIN)
  }

  @Test("tells once that a descriptor is readable, and waits no longer than it is told")
  func polls() throws {
    let ring = try Ring(opening: ())
    let pair = try Pair()
    ring.poll(pair.here, token: 9)
    let start = ContinuousClock.now
    ring.enter(waitsFor: 1, nanoseconds: 5_000_000)
    let none = ring.next()
    #expect(none == nil)
    #expect(ContinuousClock.now - start >= .milliseconds(5))
    pair.write("x")
    let completion = try next(ring)
    let second = ring.next()
    #expect(completion.token == 9 && !completion.goesOn && second == nil)
  }

  @Test("takes more requests than it can collect")
  func many() throws {
    let ring = try Ring(opening: ())
    for _ in 0..<Ring.entries * 5 { ring.cancel(100, token: 1) }
    ring.submit()
    let isDone = !ring.hasRequests
    #expect(isDone)
    var count = 0
    while let completion = ring.next() {
      if completion.token == 1 { count += 1 }
    }
    #expect(count == Ring.entries * 5)
  }

  @Test("the number of a descriptor that was closed while the kernel received for it can be another's")
  func closed() throws {
    let ring = try Ring(opening: ())
    var pair: Pair? = try Pair()
    let number = try #require(pair?.here)
    ring.receive(number, token: 1)
    ring.submit()
    ring.cancel(1, token: 2)
    pair = nil
    let next = try Pair()
    #expect(next.here == number)
    next.write("theirs")
    ring.enter(waitsFor: 2, nanoseconds: 1_000_000_000)
    while let completion = ring.next() { #expect(completion.result < 1 && completion.buffer == nil) }
    var byte: UInt8 = 0
    #expect(recv(next.here, &byte, 1, Int32(MSG_DONTWAIT)) == 1)
  }
}
