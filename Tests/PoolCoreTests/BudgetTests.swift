import PoolCore
import Testing

@Suite("One cap for several loops") struct BudgetTests {
  @Test("a loop that is alone has the whole cap for its part")
  func alone() {
    let budget = Budget(cap: 85, loops: 1)
    #expect((budget.parts, budget.left) == ([85], 0))
  }

  @Test("places are taken one by one, and there are never more of them than the cap")
  func taken() {
    var budget = Budget(cap: 3, loops: 2)
    let taken = [0, 1, 1, 0].map { budget.take($0) }
    #expect(taken == [true, true, true, false])
    budget.giveBack(1, 1)
    let again = budget.take(0)
    #expect(again)
    #expect(budget.parts == [2, 1])
  }

  @Test("a backend that goes to another loop takes its place along")
  func moved() {
    var budget = Budget(cap: 2, loops: 2)
    _ = budget.take(0)
    _ = budget.take(0)
    budget.moved(from: 0, to: 1)
    #expect((budget.parts, budget.left) == ([1, 1], 0))
  }

  @Test("after the cap has shrunk, nobody takes a place, and each loop has its share too many")
  func shrunk() {
    var budget = Budget(cap: 10, loops: 2)
    for _ in 0..<8 { _ = budget.take(0) }
    for _ in 0..<2 { _ = budget.take(1) }
    budget.capChanged(to: 5)
    let more = budget.take(1)
    #expect((budget.left, more) == (-5, false))
    #expect(budget.excess(of: 0) == 4)
    budget.giveBack(budget.excess(of: 0), 0)
    budget.giveBack(budget.excess(of: 1), 1)
    #expect((budget.left, budget.excess(of: 0), budget.excess(of: 1)) == (0, 0, 0))
  }

  @Test("a user's own limit holds over all loops")
  func users() {
    var budget = Budget(cap: 10, loops: 2)
    let app = Array("app".utf8)
    var granted = (0..<3).map { _ in budget.reserve(for: app, limit: 2) }
    #expect(granted == [true, true, false])
    granted = [budget.reserve(for: Array("other".utf8), limit: 1)]
    budget.release(for: app)
    granted.append(budget.reserve(for: app, limit: 2))
    #expect(granted == [true, true])
  }

  @Test("a pool whose part is used up asks for a place; with one more it connects")
  func asks() {
    var pool = Pool(limits: PoolLimits(maxBackends: 0, isPart: true))
    let shop = pool.addIdentity()
    _ = pool.borrow(client(0), shop, at: at(0))
    #expect(pool.nextToOpen(at: at(0)) == .ask(shop))
    pool.partChanged(by: 1)
    #expect(pool.opened(at: at(0)) == [.connect(backend(0), shop)])
  }

  @Test("a backend goes from pool to pool with its place, and serves who waits there")
  func passedOn() {
    var (from, shop) = Pool.with(backends: 1, isPart: true)
    var to = Pool(limits: PoolLimits(maxBackends: 0, isPart: true))
    let same = to.addIdentity()
    #expect(to.borrow(client(7), same, at: at(1)) == .wait)
    guard let idle = from.idleToPassOn(shop) else { Issue.record("none is idle"); return }
    from.passedOn(idle)
    #expect((from.openCount, from.idleCount, from.limits.maxBackends) == (0, 0, 0))
    let arrived = to.arrived(same, connectedAt: at(0))
    #expect((to.openCount, to.limits.maxBackends) == (1, 1))
    #expect(to.returned(arrived, at: at(1)) == .lend(to: client(7)))
    #expect(to.openCount(of: same) == 1)
  }

  @Test("places that nobody needs are spare; while somebody waits none is")
  func spare() {
    var (pool, shop) = Pool.with(backends: 1, max: 4, isPart: true)
    #expect(pool.sparePlaces == 3)
    for number in 0..<2 { _ = pool.borrow(client(number), shop, at: at(0)) }
    #expect(pool.sparePlaces == 0)
  }

  @Test("one place is kept for look-ups, whichever loop has them, until one is open")
  func kept() {
    var budget = Budget(cap: 2, loops: 2, keepsPlace: true)
    let taken = [budget.take(0), budget.take(1), budget.take(1, isApart: true), budget.take(0)]
    #expect(taken == [true, false, true, false])
    budget.giveBack(1, 1)
    budget.apartEnded()
    let again = [budget.take(0), budget.take(0, isApart: true)]
    #expect(again == [false, true])
  }
}
