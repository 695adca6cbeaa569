import PoolCore
import Testing

@Suite("Lanes: shares of the backends") struct LaneTests {
  private func lane(
    _ name: String, reserved: Int = 0, max: Int = 0, weight: Int = 1, application: String? = nil
  ) -> Lane {
    var lane = Lane(name: name)
    lane.applicationName = application ?? name
    lane.reserved = reserved
    lane.maxBackends = max
    lane.weight = weight
    return lane
  }

  private func pool(_ lanes: [Lane], backends: Int) -> (Pool, IdentityID) {
    var pool = Pool(limits: PoolLimits(maxBackends: backends, maxConnecting: backends))
    pool.setLanes(lanes)
    let identity = pool.addIdentity()
    for number in 0..<backends {
      _ = pool.openAhead(identity)
      _ = pool.connected(backend(number), at: at(0))
    }
    return (pool, identity)
  }

  @Test(
    "a pattern fits exactly, or with * for anything",
    arguments: [
      ("checkout", "checkout", true), ("checkout", "checkouts", false), ("checkout*", "checkout-7", true),
      ("*-job", "night-job", true), ("*-job", "job", false), ("a*b*c", "a-b-c", true),
      ("a*b*c", "a-c", false),
      ("*", "", true), ("", "", true), ("", "x", false), ("a*a", "a", false),
    ])
  func patterns(pattern: String, text: String, fits: Bool) {
    let lane = lane("x", application: pattern)
    #expect(lane.fits(user: [], database: [], applicationName: Array(text.utf8)) == fits)
  }

  @Test("the first lane that fits is a client's; who fits none is in the last, default")
  func choice() {
    var catalogue = Lane(name: "catalogue")
    catalogue.user = "web"
    catalogue.database = "shop"
    let (pool, _) = pool([lane("checkout"), catalogue], backends: 1)
    func found(_ user: String, _ database: String, _ application: String) -> Int {
      pool.lane(
        user: Array(user.utf8), database: Array(database.utf8), applicationName: Array(application.utf8))
    }
    #expect(found("web", "shop", "checkout") == 0)
    #expect(found("web", "shop", "x") == 1)
    #expect(found("web", "stock", "x") == 2)
  }

  @Test("what a lane has reserved is there for it, however many others wait")
  func reserved() {
    var (pool, shop) = pool([lane("checkout", reserved: 2)], backends: 3)
    for number in 1...9 { pool.enter(client(number), lane: number == 9 ? 0 : 1) }
    #expect(pool.borrow(client(1), shop, at: at(1)) == .lend(backend(2)))
    #expect(pool.borrow(client(2), shop, at: at(1)) == .wait)
    #expect(pool.idleCount == 2)
    #expect(pool.borrow(client(9), shop, at: at(2)) == .lend(backend(1)))
    // Given back, it is kept for the lane again.
    #expect(pool.returned(backend(1), at: at(3)) == .keep)
    let served = pool.nextToServe(at: at(3))
    #expect(served == nil)
  }

  @Test("a lane never has more than its maximum, though backends are idle; others have them")
  func most() {
    var (pool, shop) = pool([lane("batch", max: 1)], backends: 3)
    for number in 1...3 { pool.enter(client(number), lane: number == 3 ? 1 : 0) }
    #expect(pool.borrow(client(1), shop, at: at(1)) == .lend(backend(2)))
    #expect(pool.borrow(client(2), shop, at: at(1)) == .wait)
    #expect(pool.borrow(client(3), shop, at: at(2)) == .lend(backend(1)))
    #expect(pool.returned(backend(2), at: at(3)) == .lend(to: client(2)))
  }

  @Test("a waiter that its lane holds back does not hold up those behind it, and opens nothing")
  func heldBack() {
    var pool = Pool(limits: PoolLimits(maxBackends: 2))
    pool.setLanes([lane("batch", max: 1)])
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    for number in 1...2 { pool.enter(client(number), lane: 0) }
    #expect(pool.borrow(client(1), shop, at: at(0)) == .wait)
    #expect(pool.opened(at: at(0)) == [.connect(backend(0), shop)])
    #expect(pool.connected(backend(0), at: at(1)) == .lend(to: client(1)))
    #expect(pool.borrow(client(2), shop, at: at(2)) == .wait)
    #expect(pool.opened(at: at(2)) == [])
    #expect(pool.borrow(client(3), stock, at: at(3)) == .wait)
    #expect(pool.opened(at: at(3)) == [.connect(backend(1), stock)])
    #expect(pool.connected(backend(1), at: at(4)) == .lend(to: client(3)))
    // Another identity's backend comes back; the lane has room only when its own does.
    #expect(pool.returned(backend(1), at: at(5)) == .keep)
    let served = pool.nextToServe(at: at(5))
    #expect(served == nil)
  }

  @Test("when a lane's client gives a backend back, another of the lane gets an idle one of its own identity")
  func acrossIdentities() {
    var pool = Pool(limits: PoolLimits(maxBackends: 2))
    pool.setLanes([lane("batch", max: 1)])
    let (shop, stock) = (pool.addIdentity(), pool.addIdentity())
    for number in 1...2 { pool.enter(client(number), lane: 0) }
    for identity in [shop, stock] { _ = pool.openAhead(identity).map { pool.connected($0, at: at(0)) } }
    #expect(pool.borrow(client(1), shop, at: at(1)) == .lend(backend(0)))
    #expect(pool.borrow(client(2), stock, at: at(1)) == .wait)
    #expect(pool.returned(backend(0), at: at(2)) == .keep)
    let served = pool.nextToServe(at: at(2))
    #expect(served?.client == client(2))
    #expect(served?.backend == backend(1))
    let further = pool.nextToServe(at: at(2))
    #expect(further == nil)
  }

  @Test("lanes whose clients wait share by their weights")
  func weights() {
    var (pool, shop) = pool([lane("heavy", weight: 3)], backends: 8)
    for number in 0..<100 { pool.enter(client(number), lane: number % 2) }
    var holders: [BackendID: Int] = [:]
    for number in 0..<100 {
      if case .lend(let backend) = pool.borrow(client(number), shop, at: at(1)) {
        holders[backend] = number
      }
    }
    for turn in 0..<40 {
      let backend = backend(turn % 8)
      if case .lend(let client) = pool.returned(backend, at: at(UInt64(2 + turn))) {
        holders[backend] = Int(client.index)
      }
    }
    #expect(holders.values.count { $0 % 2 == 0 } == 6)
    #expect(holders.values.count { $0 % 2 == 1 } == 2)
  }

  @Test("under random events no rule is broken, and nobody waits beside a backend that it may have")
  func model() {
    for seed in 1...20 {
      var random = SplitMix64(seed: UInt64(seed))
      func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
      let (reserved, most, backends) = (below(3), 1 + below(4), 4 + below(4))
      var (pool, shop) = pool(
        [lane("first", reserved: reserved), lane("second", max: most)], backends: backends)
      var lanes: [Int] = []
      for number in 0..<24 {
        lanes.append(below(3))
        pool.enter(client(number), lane: lanes[number])
      }
      var holders: [BackendID: Int] = [:]
      var waiting: Set<Int> = []
      func lent(_ lane: Int) -> Int { holders.values.count { lanes[$0] == lane } }
      for step in 0..<400 {
        let number = below(24)
        let now = at(UInt64(step))
        if let held = holders.first(where: { $0.value == number })?.key {
          pool.borrowerLeft(held)
          holders[held] = nil
          if case .lend(let next) = pool.returned(held, at: now) {
            holders[held] = Int(next.index)
            waiting.remove(Int(next.index))
          }
        } else if waiting.contains(number) {
          if below(4) == 0 {
            pool.waitEnded(client(number))
            waiting.remove(number)
          }
        } else {
          switch pool.borrow(client(number), shop, at: now) {
          case .lend(let backend): holders[backend] = number
          case .wait: waiting.insert(number)
          case .refuse: Issue.record("refused")
          }
        }
        while let (backend, client) = pool.nextToServe(at: now) {
          holders[backend] = Int(client.index)
          waiting.remove(Int(client.index))
        }
        #expect(lent(1) <= most)
        #expect(lent(1) + lent(2) <= backends - reserved)
        #expect(Set(holders.values).count == holders.count)
        #expect(pool.lentCount == holders.count)
        #expect(pool.waitingCount == waiting.count)
        guard pool.idleCount > 0 else { continue }
        for other in waiting {
          let isFree: Bool
          switch lanes[other] {
          case 0: isFree = true
          case 1: isFree = lent(1) < most && lent(1) + lent(2) + max(lent(0), reserved) < backends
          default: isFree = lent(1) + lent(2) + max(lent(0), reserved) < backends
          }
          #expect(!isFree, "seed \(seed), step \(step): \(other) waits in vain")
        }
      }
    }
  }
}
