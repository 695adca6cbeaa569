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

  @Test(
    "under random events the loops together never open more than the cap, and nobody waits beside an idle backend",
    arguments: 1...20 as ClosedRange<UInt64>)
  func invariants(seed: UInt64) {
    var loops = Loops(count: 3, cap: Int(1 + seed % 5), seed: seed)
    for _ in 0..<2_000 where loops.faults.isEmpty { loops.turn() }
    #expect(loops.faults.isEmpty)
  }

  /// Pools that share a budget as the loops of a server do, without sockets.
  private struct Loops {
    var budget: Budget
    var pools: [Pool]
    let identity = IdentityID(0)
    /// By loop: who has which backend, which are on their way in or out.
    var holders: [[BackendID: ClientID]]
    var connecting: [[BackendID]]
    var random: SplitMix64
    var now: UInt64 = 0
    var faults: [String] = []

    init(count: Int, cap: Int, seed: UInt64) {
      budget = Budget(cap: cap, loops: count)
      pools = (0..<count).map { _ in
        var pool = Pool(limits: PoolLimits(maxBackends: 0, isPart: true))
        _ = pool.addIdentity()
        return pool
      }
      holders = Array(repeating: [:], count: count)
      connecting = Array(repeating: [], count: count)
      random = SplitMix64(seed: seed)
    }

    mutating func turn() {
      now += 1
      let loop = Int(random.next() % UInt64(pools.count))
      let held = holders[loop].keys.sorted { $0.index < $1.index }
      switch random.next() % 6 {
      case 0, 1:
        let who = client(Int(random.next() % 8))
        guard !pools[loop].isWaiting(who), !holders[loop].values.contains(who) else { break }
        if case .lend(let backend) = pools[loop].borrow(who, identity, at: at(now)) {
          holders[loop][backend] = who
        }
      case 2, 3:
        guard let backend = held.first else { break }
        holders[loop][backend] = nil
        came(back: backend, to: loop)
      case 4:
        guard let backend = connecting[loop].popLast() else { break }
        settle(pools[loop].connected(backend, at: at(now)), backend, loop)
      default:
        // The server ends one that somebody has.
        guard random.next() % 8 == 0, let backend = held.last else { break }
        holders[loop][backend] = nil
        pools[loop].closed(backend)
      }
      for loop in pools.indices { open(loop) }
      check()
    }

    /// To who has waited longest, at whichever loop.
    mutating func came(back backend: BackendID, to loop: Int) {
      let waits = pools.indices.filter { pools[$0].waitingCount > 0 }
      let oldest = waits.min {
        pools[$0].waitingSince(pools[$0].longestWaiter) < pools[$1].waitingSince(pools[$1].longestWaiter)
      }
      guard let oldest, oldest != loop else {
        return settle(pools[loop].returned(backend, at: at(now)), backend, loop)
      }
      pass(backend, from: loop, to: oldest)
    }

    mutating func pass(_ backend: BackendID, from loop: Int, to other: Int) {
      pools[loop].passedOn(backend)
      budget.moved(from: loop, to: other)
      let arrived = pools[other].arrived(identity, connectedAt: at(now))
      settle(pools[other].returned(arrived, at: at(now)), arrived, other)
    }

    mutating func settle(_ action: ReturnAction, _ backend: BackendID, _ loop: Int) {
      switch action {
      case .lend(let client): holders[loop][backend] = client
      case .keep: break
      case .close: pools[loop].closed(backend)
      }
    }

    mutating func open(_ loop: Int) {
      let spare = pools[loop].sparePlaces
      pools[loop].partChanged(by: -spare)
      budget.giveBack(spare, loop)
      while let action = pools[loop].nextToOpen(at: at(now)) {
        switch action {
        case .connect(let backend, _): connecting[loop].append(backend)
        case .close(let backend): pools[loop].closed(backend)
        case .ask:
          if budget.take(loop) {
            pools[loop].partChanged(by: 1)
            continue
          }
          guard let other = pools.indices.first(where: { pools[$0].idleToPassOn(identity) != nil }),
            let idle = pools[other].idleToPassOn(identity)
          else { return }
          pass(idle, from: other, to: loop)
        }
      }
    }

    mutating func check() {
      let open = pools.reduce(0) { $0 + $1.openCount }
      if open > budget.cap { faults.append("\(now): \(open) backends of \(budget.cap)") }
      if budget.left < 0 { faults.append("\(now): parts beyond the cap") }
      for (loop, pool) in pools.enumerated() {
        if pool.limits.maxBackends != budget.parts[loop] || pool.openCount > budget.parts[loop] {
          faults.append("\(now): loop \(loop) has \(pool.openCount) of \(budget.parts[loop])")
        }
        if pool.lentCount != holders[loop].count { faults.append("\(now): a backend is lost at \(loop)") }
      }
      let waiting = pools.reduce(0) { $0 + $1.waitingCount - $1.connectingCount }
      if waiting > 0, pools.contains(where: { $0.idleCount > 0 }) {
        faults.append("\(now): somebody waits beside an idle backend")
      }
    }
  }
}
