import PoolCore
import Testing

@Suite("One listener per database") struct SubscriptionTests {
  private let news = Array("news".utf8)
  private let odd = Array("a\"b".utf8)

  /// Subscriptions whose listener has backend 0, with the channel.
  private func listening(_ clients: ClientID...) -> Subscriptions {
    var subscriptions = Subscriptions()
    let number = subscriptions.listener(of: "shop")
    for client in clients { subscriptions.changed(client, number, to: [news]) }
    #expect(subscriptions.next(number) == .borrow)
    #expect(subscriptions.next(number) == nil)
    subscriptions.lent(backend(0), to: number)
    #expect(subscriptions.next(number) == nil, "it is being cleaned")
    #expect(subscriptions.answered(number) == [])
    #expect(subscriptions.next(number) == .run(backend(0), "LISTEN \"news\""))
    #expect(subscriptions.answered(number) == [])
    return subscriptions
  }

  @Test("nobody listens: nothing is borrowed; databases have listeners of their own")
  func none() {
    var subscriptions = Subscriptions()
    #expect(subscriptions.isEmpty)
    #expect(subscriptions.listener(of: "shop") == 0)
    #expect(subscriptions.listener(of: "other") == 1)
    #expect(subscriptions.listener(of: "shop") == 0)
    #expect(subscriptions.next(0) == nil)
  }

  @Test("what is new is listened to, what nobody wants any more is not; the last one gives the backend back")
  func changes() {
    var subscriptions = listening(client(1), client(2))
    subscriptions.changed(client(2), 0, to: [news, odd])
    #expect(subscriptions.next(0) == .run(backend(0), "LISTEN \"a\"\"b\""))
    _ = subscriptions.answered(0)
    #expect(subscriptions.receivers(0, news) == [client(1), client(2)])
    #expect(subscriptions.receivers(0, odd) == [client(2)])
    subscriptions.changed(client(2), 0, to: [news])
    #expect(subscriptions.next(0) == .run(backend(0), "UNLISTEN \"a\"\"b\""))
    _ = subscriptions.answered(0)
    subscriptions.left(client(1))
    #expect(subscriptions.next(0) == nil)
    subscriptions.left(client(2))
    #expect(subscriptions.next(0) == .giveBack(backend(0)))
    #expect(subscriptions.receivers(0, news) == [])
    #expect(subscriptions.backendCount == 0)
  }

  @Test("who waits is served by an answer to what was sent after it, not by one that is on its way")
  func waits() {
    var subscriptions = listening(client(1))
    subscriptions.wait(client(1), for: 0)
    #expect(subscriptions.next(0) == .run(backend(0), ""))
    subscriptions.wait(client(2), for: 0)
    #expect(subscriptions.answered(0) == [client(1)])
    #expect(subscriptions.next(0) == .run(backend(0), ""))
    subscriptions.stopsWaiting(client(2))
    #expect(subscriptions.answered(0) == [])
  }

  @Test("a lost backend is replaced, with all channels, and who waited waits for the new one")
  func lost() {
    var subscriptions = listening(client(1))
    subscriptions.wait(client(1), for: 0)
    #expect(subscriptions.next(0) == .run(backend(0), ""))
    subscriptions.lost(0)
    #expect(subscriptions.next(0) == .borrow)
    subscriptions.lent(backend(3), to: 0)
    #expect(subscriptions.listener(on: backend(3)) == 0)
    #expect(subscriptions.answered(0) == [])
    #expect(subscriptions.next(0) == .run(backend(3), "LISTEN \"news\""))
    #expect(subscriptions.answered(0) == [client(1)])
  }
}
