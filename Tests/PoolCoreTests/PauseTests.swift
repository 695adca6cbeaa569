import PoolCore
import Testing

@Suite("Pausing") struct PauseTests {
  private let start = Instant(nanoseconds: 1_000_000_000)
  private let one = ClientID(0)
  private let two = ClientID(1)
  private let three = ClientID(2)

  private func lent(_ action: BorrowAction) -> BackendID? {
    guard case .lend(let backend) = action else { return nil }
    return backend
  }

  /// The backend that was opened for whoever waits, logged in.
  private func open(_ pool: inout Pool) throws -> (backend: BackendID, then: ReturnAction) {
    guard case .connect(let backend, _) = pool.nextToOpen(at: start) else {
      throw PauseTestFailure.nothingOpened
    }
    return (backend, pool.connected(backend, at: start))
  }

  private enum PauseTestFailure: Error { case nothingOpened }

  @Test("what is lent is closed when it comes back; who asks waits until it goes on, and is then served")
  func pause() throws {
    var pool = Pool(limits: PoolLimits(maxBackends: 2))
    let shop = pool.addIdentity()
    #expect(pool.borrow(one, shop, at: start) == .wait)
    let first = try open(&pool)
    #expect(first.then == .lend(to: one))
    pool.pause(shop)
    #expect(pool.isPaused(shop))
    #expect(pool.borrow(two, shop, at: start) == .wait)
    #expect(pool.nextToOpen(at: start) == nil)
    #expect(pool.longestWaiter == .none)
    #expect(pool.returned(first.backend, at: start) == .close)
    pool.closing(first.backend)
    pool.closed(first.backend)
    #expect(pool.openCount(of: shop) == 0)
    #expect(pool.nextToOpen(at: start) == nil)
    #expect(pool.openAhead(shop) == nil)
    pool.resume(shop)
    #expect(pool.longestWaiter == two)
    #expect(try open(&pool).then == .lend(to: two))
  }

  @Test("others go on meanwhile, though a paused client has waited longer")
  func others() throws {
    var pool = Pool(limits: PoolLimits(maxBackends: 1))
    let shop = pool.addIdentity()
    let other = pool.addIdentity()
    pool.pause(shop)
    #expect(pool.borrow(one, shop, at: start) == .wait)
    #expect(pool.borrow(two, other, at: start) == .wait)
    #expect(pool.longestWaiter == two)
    let opened = try open(&pool)
    #expect(opened.then == .lend(to: two))
    #expect(pool.borrow(three, other, at: start) == .wait)
    #expect(pool.returned(opened.backend, at: start) == .lend(to: three))
    #expect(pool.returned(opened.backend, at: start) == .keep)
    #expect(pool.isWaiting(one))
    // Its slot is given up for who goes on.
    pool.resume(shop)
    #expect(pool.nextToOpen(at: start) == .close(opened.backend))
  }

  @Test("a connect that was under way is closed once it is there")
  func connecting() throws {
    var pool = Pool(limits: PoolLimits(maxBackends: 1))
    let shop = pool.addIdentity()
    #expect(pool.borrow(one, shop, at: start) == .wait)
    guard case .connect(let backend, _) = pool.nextToOpen(at: start) else {
      throw PauseTestFailure.nothingOpened
    }
    pool.pause(shop)
    #expect(pool.connected(backend, at: start) == .close)
    #expect(pool.isWaiting(one))
  }
}
