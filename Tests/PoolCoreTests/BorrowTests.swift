import PoolCore
import Testing

@Suite("Borrowing") struct BorrowTests {
  @Test("an idle backend is lent at once")
  func lends() {
    var (pool, shop) = Pool.with(backends: 1)
    #expect(pool.borrow(client(1), shop, at: at(1)) == .lend(backend(0)))
    #expect(pool.borrower(of: backend(0)) == client(1))
    #expect(pool.lentSince(backend(0)) == at(1))
    #expect((pool.idleCount, pool.lentCount, pool.openCount) == (0, 1, 1))
  }

  @Test("with none idle and room in the cap, a client waits for a connect that it has caused")
  func connects() {
    var (pool, shop) = Pool.with(backends: 0, max: 2)
    #expect(pool.borrow(client(1), shop, at: at(0)) == .wait)
    #expect(pool.opened(at: at(0)) == [.connect(backend(0), shop)])
    #expect(pool.connected(backend(0), at: at(5)) == .lend(to: client(1)))
    #expect((pool.waitingCount, pool.lentCount, pool.connectingCount) == (0, 1, 0))
  }

  @Test("the longest waiter is served first")
  func fifo() {
    var (pool, shop) = Pool.with(backends: 1)
    _ = pool.borrow(client(9), shop, at: at(0))
    for number in 1...3 { #expect(pool.borrow(client(number), shop, at: at(1)) == .wait) }
    for number in 1...3 { #expect(pool.returned(backend(0), at: at(2)) == .lend(to: client(number))) }
    #expect(pool.returned(backend(0), at: at(3)) == .keep)
    #expect((pool.waitingCount, pool.idleCount, pool.lentCount) == (0, 1, 0))
  }

  @Test("a waiter that leaves is passed over and leaves no slot behind")
  func waiterLeaves() {
    var (pool, shop) = Pool.with(backends: 1)
    for number in 1...4 { _ = pool.borrow(client(number), shop, at: at(0)) }
    pool.waitEnded(client(3))
    pool.clientGone(client(2))
    pool.waitEnded(client(3))
    #expect(pool.waitingCount == 1)
    #expect(pool.longestWaiter == client(4))
    #expect(pool.returned(backend(0), at: at(1)) == .lend(to: client(4)))
  }

  @Test("a client gets the backend that it had last, before one that was returned later")
  func affinity() {
    var (pool, shop) = Pool.with(backends: 2)
    guard case .lend(let home) = pool.borrow(client(1), shop, at: at(0)),
      case .lend(let other) = pool.borrow(client(2), shop, at: at(0))
    else { return #expect(Bool(false), "both backends are idle") }
    _ = pool.returned(home, at: at(1))
    _ = pool.returned(other, at: at(2))
    #expect(pool.borrow(client(1), shop, at: at(3)) == .lend(home))
  }

  @Test("a client without a backend of its own gets the one that was returned last: it is warm")
  func warm() {
    var (pool, shop) = Pool.with(backends: 3)
    for number in 1...3 { _ = pool.borrow(client(number), shop, at: at(0)) }
    let last = [client(1), client(2), client(3)].map { who in
      (0..<3).map { backend($0) }.first { pool.borrower(of: $0) == who }
    }
    for backend in last.compactMap({ $0 }) { _ = pool.returned(backend, at: at(1)) }
    #expect(pool.borrow(client(7), shop, at: at(2)) == last[2].map { .lend($0) })
  }

  @Test("a client number that is used again does not inherit the last owner's backend")
  func numberReuse() {
    var (pool, shop) = Pool.with(backends: 1)
    _ = pool.borrow(client(1), shop, at: at(0))
    pool.clientGone(client(1))
    #expect(pool.borrower(of: backend(0)) == .none)
    #expect(pool.longestLent == nil)
    #expect(pool.returned(backend(0), at: at(1)) == .keep)
  }

  @Test("a full queue refuses at once, but never while a backend is idle")
  func queueLimit() {
    var (pool, shop) = Pool.with(backends: 1, maxQueue: 1)
    #expect(pool.borrow(client(1), shop, at: at(0)) == .lend(backend(0)))
    #expect(pool.borrow(client(2), shop, at: at(0)) == .wait)
    #expect(pool.borrow(client(3), shop, at: at(0)) == .refuse)
    #expect(!pool.isWaiting(client(3)))
    #expect(pool.waitingCount == 1)
  }

  @Test("who has held a backend longest is known, for the error that others get")
  func longestHolder() {
    var (pool, shop) = Pool.with(backends: 2)
    _ = pool.borrow(client(1), shop, at: at(5))
    _ = pool.borrow(client(2), shop, at: at(3))
    #expect(pool.longestLent.map { pool.borrower(of: $0) } == client(2))
  }

  @Test("backends that have been idle for long are found, lent ones never")
  func aging() {
    var (pool, shop) = Pool.with(backends: 2)
    _ = pool.borrow(client(1), shop, at: at(10))
    #expect(pool.idleBackend(since: at(0)).map { pool.isIdle($0) } == true)
    _ = pool.borrow(client(2), shop, at: at(10))
    #expect(pool.idleBackend(since: at(100)) == nil)
    _ = pool.returned(backend(0), at: at(50))
    #expect(pool.idleBackend(since: at(49)) == nil)
    #expect(pool.idleBackend(since: at(50)) == backend(0))
  }

  @Test("of the idle backends one with the client's settings is lent, but its own last one before all")
  func settings() {
    var (pool, shop) = Pool.with(backends: 3)
    var lent: [BackendID] = []
    for number in 0..<3 {
      guard case .lend(let backend) = pool.borrow(client(number), shop, at: at(1)) else { continue }
      lent.append(backend)
    }
    for number in 0..<3 { _ = pool.returned(lent[number], with: ImageID(UInt32(number)), at: at(2)) }
    #expect(pool.borrow(client(5), shop, preferring: ImageID(0), at: at(3)) == .lend(lent[0]))
    // Nobody has it: the one that was returned last.
    #expect(pool.borrow(client(6), shop, preferring: ImageID(9), at: at(3)) == .lend(lent[2]))
    _ = pool.returned(lent[0], with: ImageID(0), at: at(4))
    #expect(pool.borrow(client(1), shop, preferring: ImageID(0), at: at(5)) == .lend(lent[1]))
  }
}
