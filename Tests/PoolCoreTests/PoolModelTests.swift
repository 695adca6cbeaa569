import PoolCore
import Testing

@Suite("The pool under random events") struct PoolModelTests {
  /// What a test knows beside the pool: who waits in which order, who holds what, what each backend does.
  struct Model {
    var pool: Pool
    let identities: [IdentityID]
    let max: Int
    /// Waiters of each identity, longest first.
    var waiters: [[ClientID]]
    var holder: [BackendID: ClientID] = [:]
    var connecting: [BackendID: Int] = [:]
    var closing: Set<BackendID> = []
    var idle: [BackendID: Int] = [:]
    var identityOf: [BackendID: Int] = [:]
    var now: UInt64 = 0
    var faults: [String] = []

    mutating func expect(_ condition: Bool, _ fault: String) {
      if !condition { faults.append("\(now): \(fault)") }
    }

    mutating func lent(_ backend: BackendID, to client: ClientID, from identity: Int) {
      expect(identityOf[backend] == identity, "\(backend) crossed identities")
      expect(holder.values.allSatisfy { $0 != client }, "\(client) holds two")
      expect(holder[backend] == nil, "\(backend) was lent twice")
      holder[backend] = client
    }

    mutating func answered(_ action: ReturnAction, _ backend: BackendID) {
      let identity = identityOf[backend] ?? -1
      switch action {
      case .lend(let client):
        expect(waiters[identity].first == client, "\(client) was served out of order")
        waiters[identity].removeAll { $0 == client }
        lent(backend, to: client, from: identity)
      case .keep: idle[backend] = identity
      case .close:
        pool.closing(backend)
        closing.insert(backend)
      }
    }

    mutating func openWhatIsNeeded() {
      for _ in 0..<100 {
        guard let action = pool.nextToOpen(at: at(now)) else { return }
        switch action {
        case .connect(let backend, let identity):
          expect(identityOf[backend] == nil, "\(backend) is in use")
          identityOf[backend] = Int(identity.index)
          connecting[backend] = Int(identity.index)
        case .ask: faults.append("a pool that is alone asks")
        case .close(let backend):
          expect(idle.removeValue(forKey: backend) != nil, "\(backend) was not idle")
          pool.closing(backend)
          closing.insert(backend)
        }
      }
      faults.append("nextToOpen never ends")
    }

    mutating func check() {
      expect(pool.openCount <= max, "\(pool.openCount) backends of \(max)")
      expect(pool.openCount == identityOf.count, "openCount \(pool.openCount), really \(identityOf.count)")
      expect(pool.idleCount == idle.count, "idleCount")
      expect(pool.lentCount == holder.count, "lentCount \(pool.lentCount), really \(holder.count)")
      expect(pool.connectingCount == connecting.count, "connectingCount")
      expect(pool.waitingCount == waiters.reduce(0) { $0 + $1.count }, "waitingCount")
      for (number, waiting) in waiters.enumerated() {
        expect(pool.waitingCount(of: identities[number]) == waiting.count, "waiting of \(number)")
        expect(pool.longestWaiter(of: identities[number]) == waiting.first ?? .none, "first of \(number)")
        expect(
          waiting.isEmpty || !idle.values.contains(number),
          "a client of \(number) waits beside an idle backend")
        expect(
          pool.openCount(of: identities[number]) == identityOf.values.count { $0 == number },
          "open of \(number)")
        for client in waiting {
          expect(pool.isWaiting(client) && !holder.values.contains(client), "\(client) waits and holds")
        }
      }
      for (backend, client) in holder {
        expect(pool.borrower(of: backend) == client, "borrower of \(backend)")
      }
    }
  }

  @Test("no slot is lost, no order broken, the cap never passed", arguments: 1...20 as ClosedRange<UInt64>)
  func invariants(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    func pick<Item>(_ items: [Item]) -> Item? {
      items.isEmpty ? nil : items[Int(random.next() % UInt64(items.count))]
    }
    let max = Int(1 + random.next() % 6)
    var pool = Pool(limits: PoolLimits(maxBackends: max, maxConnecting: 2, minimumTenure: 20_000_000))
    let identities = (0..<3).map { _ in pool.addIdentity(maxBackends: random.next() % 3 == 0 ? 2 : 0) }
    var model = Model(pool: pool, identities: identities, max: max, waiters: [[], [], []])

    for _ in 0..<3000 {
      model.now += random.next() % 4
      let now = at(model.now)
      // In the order of their indices: a Dictionary's own order is another one in every run.
      let holders = model.holder.keys.sorted { $0.index < $1.index }
      switch random.next() % 12 {
      case 0, 1, 2, 3:
        let who = client(Int(random.next() % 24))
        let identity = Int(who.index) % 3
        if model.waiters[identity].contains(who) || model.holder.values.contains(who) { continue }
        switch model.pool.borrow(who, identities[identity], at: now) {
        case .lend(let backend):
          model.expect(model.idle.removeValue(forKey: backend) == identity, "\(backend) was not idle")
          model.lent(backend, to: who, from: identity)
        case .wait: model.waiters[identity].append(who)
        case .refuse: model.faults.append("refused without a limit")
        }
      case 4, 5, 6:
        guard let backend = pick(holders) else { continue }
        model.holder[backend] = nil
        model.answered(model.pool.returned(backend, at: now), backend)
      case 7, 8:
        guard let backend = pick(model.connecting.keys.sorted { $0.index < $1.index }) else { continue }
        model.connecting[backend] = nil
        if random.next() % 8 == 0 {
          model.pool.connectFailed(at: now)
          model.pool.closed(backend)
          model.identityOf[backend] = nil
        } else {
          model.answered(model.pool.connected(backend, at: now), backend)
        }
      case 9:
        guard let backend = pick(model.closing.sorted { $0.index < $1.index }) else { continue }
        model.closing.remove(backend)
        model.pool.closed(backend)
        model.identityOf[backend] = nil
      case 10:
        guard let who = pick(model.waiters[Int(random.next() % 3)]) else { continue }
        model.waiters[Int(who.index) % 3].removeAll { $0 == who }
        if random.next() % 2 == 0 { model.pool.waitEnded(who) } else { model.pool.clientGone(who) }
      default:
        // The server ends a connection, idle or not.
        let idle = model.idle.keys.sorted { $0.index < $1.index }
        guard random.next() % 4 == 0, let backend = pick(holders + idle) else { continue }
        model.holder[backend] = nil
        model.idle[backend] = nil
        model.pool.closed(backend)
        model.identityOf[backend] = nil
      }
      model.openWhatIsNeeded()
      model.check()
      if !model.faults.isEmpty { break }
    }
    #expect(model.faults == [], "seed \(seed)")
  }
}
