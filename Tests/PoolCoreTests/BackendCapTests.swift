import PoolCore
import Testing

@Suite("The cap on backends") struct BackendCapTests {
  @Test("it counts all identities together, connecting and closing backends included")
  func exact() {
    var pool = Pool(limits: PoolLimits(maxBackends: 2))
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    for number in 0..<4 { _ = pool.borrow(client(number), number % 2 == 0 ? shop : stock, at: at(0)) }
    #expect(pool.opened(at: at(0)) == [.connect(backend(0), shop), .connect(backend(1), stock)])
    pool.closing(backend(0))
    #expect((pool.openCount, pool.connectingCount) == (2, 1))
    #expect(pool.opened(at: at(1)) == [])
    pool.closed(backend(0))
    #expect(pool.opened(at: at(2)) == [.connect(backend(0), shop)])
    #expect(pool.openCount == 2)
  }

  @Test("closing twice, or closed without closing, frees one slot")
  func closedOnce() {
    var (pool, _) = Pool.with(backends: 1)
    pool.closed(backend(0))
    pool.closed(backend(0))
    pool.closing(backend(0))
    #expect((pool.openCount, pool.idleCount, pool.lentCount, pool.connectingCount) == (0, 0, 0, 0))
  }

  @Test("at the cap, an idle backend of another identity is given up, the one that was idle longest")
  func givenUp() {
    var pool = Pool(limits: PoolLimits(maxBackends: 2))
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    for number in 0..<2 { _ = pool.openAhead(shop).map { pool.connected($0, at: at(UInt64(number))) } }
    #expect(pool.borrow(client(1), stock, at: at(5)) == .wait)
    #expect(pool.opened(at: at(5)) == [.close(backend(0))], "one slot for one waiter")
    pool.closed(backend(0))
    #expect(pool.opened(at: at(6)) == [.connect(backend(0), stock)])
    #expect(pool.connected(backend(0), at: at(7)) == .lend(to: client(1)))
    #expect(pool.openCount(of: shop) == 1)
  }

  @Test("a returned backend goes to a longer waiter of another identity, which has none of its own")
  func handedOver() {
    var pool = Pool(limits: PoolLimits(maxBackends: 1, minimumTenure: 0))
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    _ = pool.openAhead(shop).map { pool.connected($0, at: at(0)) }
    _ = pool.borrow(client(1), shop, at: at(1))
    _ = pool.borrow(client(2), stock, at: at(2))
    _ = pool.borrow(client(3), shop, at: at(3))
    #expect(pool.returned(backend(0), at: at(4)) == .close)
    pool.closed(backend(0))
    #expect(pool.opened(at: at(5)) == [.connect(backend(0), stock)])
    #expect(pool.connected(backend(0), at: at(6)) == .lend(to: client(2)))
  }

  @Test("before its minimum tenure a backend serves its own identity's waiters")
  func tenure() {
    var pool = Pool(limits: PoolLimits(maxBackends: 1, minimumTenure: 250_000_000))
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    _ = pool.openAhead(shop).map { pool.connected($0, at: at(0)) }
    _ = pool.borrow(client(1), shop, at: at(1))
    _ = pool.borrow(client(2), stock, at: at(2))
    for number in 3...4 { _ = pool.borrow(client(number), shop, at: at(3)) }
    #expect(pool.returned(backend(0), at: at(249)) == .lend(to: client(3)))
    #expect(pool.returned(backend(0), at: at(250)) == .close)
  }

  @Test("without a waiter of its own, it is given up whatever its tenure")
  func noOwnWaiter() {
    var pool = Pool(limits: PoolLimits(maxBackends: 1))
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    _ = pool.openAhead(shop).map { pool.connected($0, at: at(0)) }
    _ = pool.borrow(client(1), shop, at: at(1))
    _ = pool.borrow(client(2), stock, at: at(2))
    #expect(pool.returned(backend(0), at: at(3)) == .close)
  }

  @Test("an identity's own limit holds within the cap, for waiters and for backends opened ahead")
  func identityLimit() {
    var pool = Pool(limits: PoolLimits(maxBackends: 5))
    let small = pool.addIdentity(maxBackends: 1)
    for number in 0..<3 { _ = pool.borrow(client(number), small, at: at(0)) }
    #expect(pool.opened(at: at(0)) == [.connect(backend(0), small)])
    #expect(pool.openAhead(small) == nil)
  }

  @Test("no more connects are under way than allowed")
  func connecting() {
    var pool = Pool(limits: PoolLimits(maxBackends: 50, maxConnecting: 3))
    let shop = pool.addIdentity()
    for number in 0..<20 { _ = pool.borrow(client(number), shop, at: at(0)) }
    #expect(pool.opened(at: at(0)).count == 3)
    _ = pool.connected(backend(0), at: at(1))
    #expect(pool.opened(at: at(1)).count == 1)
  }

  @Test("after a failed connect the next is tried after a pause")
  func backoff() {
    var pool = Pool(limits: PoolLimits(maxBackends: 5, connectBackoff: 250))
    let shop = pool.addIdentity()
    _ = pool.borrow(client(1), shop, at: at(0))
    _ = pool.opened(at: at(0))
    pool.connectFailed(at: at(10))
    pool.closed(backend(0))
    #expect(pool.opened(at: at(259)) == [])
    #expect(pool.nextConnectAttempt == at(260))
    #expect(pool.opened(at: at(260)) == [.connect(backend(0), shop)])
    #expect(pool.nextConnectAttempt == nil, "or the loop would spin until that connect is decided")
  }

  @Test("a lowered cap closes what comes back until it holds, and not more")
  func lowered() {
    var (pool, shop) = Pool.with(backends: 4)
    for number in 0..<4 { _ = pool.borrow(client(number), shop, at: at(0)) }
    pool.limitChanged(to: 3)
    #expect(pool.returned(backend(0), at: at(1)) == .close)
    pool.closing(backend(0))
    #expect(pool.returned(backend(1), at: at(1)) == .keep)
  }

  @Test("identities that both want more than there is come to have the same number")
  func shares() {
    var pool = Pool(limits: PoolLimits(maxBackends: 4, minimumTenure: 0))
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    for _ in 0..<4 { _ = pool.openAhead(shop).map { pool.connected($0, at: at(0)) } }
    for number in 0..<100 { _ = pool.borrow(client(number), number % 2 == 0 ? stock : shop, at: at(1)) }
    var now: UInt64 = 2
    for _ in 0..<8 {
      for number in 0..<4 where pool.isLent(backend(number)) {
        now += 1
        guard pool.returned(backend(number), at: at(now)) == .close else { continue }
        pool.closing(backend(number))
        pool.closed(backend(number))
        for case .connect(let fresh, _) in pool.opened(at: at(now)) { _ = pool.connected(fresh, at: at(now)) }
      }
    }
    #expect((pool.openCount(of: shop), pool.openCount(of: stock)) == (2, 2))
  }

  @Test("a retired backend is closed when it comes back, whoever waits")
  func retired() {
    var (pool, shop) = Pool.with(backends: 1)
    _ = pool.borrow(client(1), shop, at: at(1))
    _ = pool.borrow(client(2), shop, at: at(1))
    pool.retire(backend(0))
    #expect(pool.returned(backend(0), at: at(2)) == .close)
  }

  @Test("backends that are as old as server_lifetime, less up to a tenth, go one by one, the idle ones first")
  func lifetime() {
    var (pool, shop) = Pool.with(backends: 2)
    #expect(pool.oldest(after: 1_000, at: at(899)) == nil)
    _ = pool.borrow(client(1), shop, at: at(900))
    let first = pool.oldest(after: 1_000, at: at(1_000))
    #expect(first.map { pool.isIdle($0) } == true)
    if let first { pool.closing(first) }
    let second = pool.oldest(after: 1_000, at: at(1_000))
    #expect(second != nil && second != first)
    if let second { pool.retire(second) }
    #expect(pool.oldest(after: 1_000, at: at(2_000)) == nil)
  }

  @Test("after a failed connect they are tried one at a time until one succeeds")
  func probing() {
    var pool = Pool(limits: PoolLimits(maxBackends: 4))
    let shop = pool.addIdentity()
    for number in 0..<4 { _ = pool.borrow(client(number), shop, at: at(0)) }
    let opened = pool.opened(at: at(0))
    #expect(opened.count == 4)
    for number in 0..<4 {
      pool.connectFailed(at: at(1))
      pool.closed(backend(number))
    }
    #expect(pool.opened(at: at(251)).count == 1)
    #expect(pool.openCount == 1)
    pool.connectFailed(at: at(252), mayTryAtOnce: true)
    #expect(pool.opened(at: at(252)).isEmpty, "the slot is taken until the server has closed")
    let tried = (0..<4).map { backend($0) }.first { pool.isConnecting($0) }
    if let tried { pool.closed(tried) }
    #expect(pool.opened(at: at(252)).count == 1, "another address is tried without delay")
    let next = (0..<4).map { backend($0) }.first { pool.isConnecting($0) }
    if let next { _ = pool.connected(next, at: at(253)) }
    #expect(pool.opened(at: at(254)).count == 3)
  }
}
