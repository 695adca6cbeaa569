import PoolCore
import Testing

@Suite("The slot that is kept for look-ups") struct KeptSlotTests {
  @Test("clients never take it, and it is there when all others are busy")
  func kept() {
    var pool = Pool(limits: PoolLimits(maxBackends: 3))
    pool.keepsSlot = true
    let (shop, lookups) = (pool.addIdentity(), pool.addIdentity())
    for number in 0..<4 { _ = pool.borrow(client(number), shop, at: at(0)) }
    #expect(pool.opened(at: at(0)) == [.connect(backend(0), shop), .connect(backend(1), shop)])
    #expect(pool.openApart(lookups, at: at(0)) == .connect(backend(2), lookups))
    pool.connectedApart(backend(2), at: at(1))
    #expect(pool.opened(at: at(2)) == [])
    #expect(pool.openCount == 3)
    pool.closed(backend(2))
    #expect(pool.opened(at: at(3)) == [], "not even while nobody is looked up")
    #expect(pool.openApart(lookups, at: at(3)) == .connect(backend(2), lookups))
  }

  @Test("a connect for it serves no waiting client, and is never idle")
  func apart() {
    var pool = Pool(limits: PoolLimits(maxBackends: 2))
    pool.keepsSlot = true
    let (shop, lookups) = (pool.addIdentity(), pool.addIdentity())
    _ = pool.openApart(lookups, at: at(0))
    _ = pool.borrow(client(0), shop, at: at(0))
    #expect(pool.opened(at: at(0)) == [.connect(backend(1), shop)])
    pool.connectedApart(backend(0), at: at(1))
    #expect(pool.connected(backend(1), at: at(1)) == .lend(to: client(0)))
    #expect((pool.idleCount, pool.lentCount) == (0, 2))
  }

  @Test("a cap of one has none to keep: whoever comes first has it, and an idle backend gives way")
  func one() {
    var pool = Pool(limits: PoolLimits(maxBackends: 1))
    pool.keepsSlot = true
    let (shop, lookups) = (pool.addIdentity(), pool.addIdentity())
    _ = pool.openAhead(shop).map { pool.connected($0, at: at(0)) }
    #expect(pool.openApart(lookups, at: at(1)) == .close(backend(0)))
    pool.closing(backend(0))
    #expect(pool.openApart(lookups, at: at(1)) == nil, "its slot is coming")
    pool.closed(backend(0))
    #expect(pool.openApart(lookups, at: at(1)) == .connect(backend(0), lookups))
  }

  @Test("where the cap has shrunk, clients give back what is over their part")
  func shrunk() {
    var pool = Pool(limits: PoolLimits(maxBackends: 4))
    pool.keepsSlot = true
    let shop = pool.addIdentity()
    for number in 0..<3 { _ = pool.borrow(client(number), shop, at: at(0)) }
    _ = pool.opened(at: at(0))
    for number in 0..<3 { _ = pool.connected(backend(number), at: at(1)) }
    pool.limitChanged(to: 3)
    #expect(pool.returned(backend(0), at: at(2)) == .close)
    pool.closing(backend(0))
    pool.closed(backend(0))
    #expect(pool.returned(backend(1), at: at(3)) == .keep)
  }

  @Test("after a failed connect it waits as the others do")
  func backoff() {
    var pool = Pool(limits: PoolLimits(maxBackends: 2, connectBackoff: 250))
    pool.keepsSlot = true
    let lookups = pool.addIdentity()
    pool.connectFailed(at: at(0))
    #expect(pool.openApart(lookups, at: at(249)) == nil)
    #expect(pool.openApart(lookups, at: at(250)) == .connect(backend(0), lookups))
  }
}
