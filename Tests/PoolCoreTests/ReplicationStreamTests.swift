import PoolCore
import PostgresWire
import Testing

@Suite("A replication connection's stream") struct ReplicationStreamTests {
  private func message(_ tag: UInt8, _ body: Int = 0) -> [UInt8] {
    let length = UInt32(body + 4)
    return [tag] + (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * $0)) }
      + [UInt8](repeating: 0x5A, count: body)
  }

  private func query() -> [UInt8] { message(FrontendTag.query, 20) }
  private func ready() -> [UInt8] { message(BackendTag.readyForQuery, 1) }

  @Test("messages begin where they do, in pieces of any size", arguments: 1...13)
  func pieces(size: Int) {
    let stream = message(1) + message(2, 300) + message(3, 1) + message(4) + message(5, 7)
    var follower = FrameFollower()
    var tags: [UInt8] = []
    var boundaries: Set<Int> = [0]
    for end in [5, 310, 316, 321, 333] { boundaries.insert(end) }
    var offset = 0
    while offset < stream.count {
      let end = min(offset + size, stream.count)
      follower.passed(Array(stream[offset..<end]).span) { tags.append($0) }
      offset = end
      #expect(follower.isBetweenMessages == boundaries.contains(offset))
    }
    #expect(tags == [1, 2, 3, 4, 5])
  }

  @Test("a length that cannot be loses it for good")
  func lost() {
    var follower = FrameFollower()
    follower.passed([1, 0, 0, 0, 3, 9, 0, 0, 0, 4].span) { _ in }
    #expect(follower.isLost)
    #expect(!follower.isBetweenMessages)
  }

  @Test("a command runs until its ReadyForQuery, pipelined ones until the last")
  func commands() {
    var stream = ReplicationStream()
    #expect(stream.mayEnd)
    stream.clientSent((query() + query()).span)
    #expect(stream.isRunning)
    stream.serverSent(ready().span)
    #expect(stream.isRunning)
    #expect(!stream.mayEnd)
    stream.serverSent(ready().span)
    #expect(stream.mayEnd)
  }

  @Test("what streams may end between two messages, and runs a command again once its stream has ended")
  func streaming() {
    var stream = ReplicationStream()
    stream.clientSent(query().span)
    stream.serverSent(message(BackendTag.copyBothResponse, 3).span)
    #expect(stream.isStreaming)
    #expect(stream.mayEnd)
    let data = message(BackendTag.copyData, 1_000)
    stream.serverSent(Array(data.prefix(500)).span)
    #expect(!stream.mayEnd)
    stream.serverSent(Array(data.dropFirst(500)).span)
    stream.clientSent(message(FrontendTag.copyData, 34).span)
    #expect(stream.mayEnd)
    // The timeline's end: the server is done, and says what comes next.
    stream.serverSent(message(BackendTag.copyDone).span)
    #expect(stream.isRunning)
    stream.clientSent(message(FrontendTag.copyDone).span)
    stream.serverSent((message(BackendTag.commandComplete, 7) + ready()).span)
    #expect(!stream.isRunning)
    #expect(!stream.isStreaming)
  }

  @Test("a Terminate fits behind whole messages only, and only once")
  func terminate() {
    var stream = ReplicationStream()
    stream.clientSent([FrontendTag.copyData, 0, 0].span)
    #expect(!stream.takesTerminate)
    stream.clientSent([0, 5, 9].span)
    #expect(stream.takesTerminate)
    stream.clientSent(message(FrontendTag.terminate).span)
    #expect(!stream.takesTerminate)
    #expect(stream.hasTerminated)
  }
}
