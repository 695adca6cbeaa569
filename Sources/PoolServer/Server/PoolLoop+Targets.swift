import Logging
import PoolCore
import PostgresWire

// Which server is connected to: of several, the one that takes writes.

extension BackendLogin {
  /// Whether the server has said that it is in recovery: it reports `in_hot_standby` since PostgreSQL 14. One before that
  /// is asked by ``standbySettings``.
  var isStandby: Bool { reportsStandby == true }

  var reportsStandby: Bool? {
    reported.first { $0.name == Array("in_hot_standby".utf8) }.map { $0.value == Array("on".utf8) }
  }

  /// What tells it of an older server: there, all sessions are read-only, whatever the default is.
  static let standbySettings = ["transaction_read_only", "default_transaction_read_only"]

  /// - Parameter told: what it has answered; nothing where it was not asked.
  static func isStandby(_ told: [String: [UInt8]]) -> Bool {
    standbySettings.map { told[$0].map { String(decoding: $0, as: UTF8.self) } } == ["on", "off"]
  }
}

extension PoolLoop {
  /// The server takes no writes, which is what the pool is for: the next target is tried.
  mutating func meetsStandby(_ index: Int) {
    backendLoginFailed(index, nil, "\(target(of: index).name) is a standby")
  }

  /// A connect or login has failed: the next one tries the next address, and then stays with what answers. Returns whether
  /// there is one that has not failed since something answered.
  mutating func goesElsewhere(from place: Int, _ error: ErrorFields?) -> Bool {
    // What the server itself says is for all its addresses; but one that starts or ends may be the writer no longer.
    if let error, !(settings.needsWriter && error.sqlState.hasPrefix("57P")) { return false }
    return server.failed(place)
  }

  /// A backend is logged in at this target. If that is another than before, all of that one are given up: it may still take
  /// writes that nobody will ever see.
  /// - Parameter isTold: by another loop.
  mutating func writerIs(_ target: PoolSettings.Target, isTold: Bool = false) {
    guard server.writer != target, settings.targets.contains(target) else { return }
    let before = server.writer
    server.writer = target
    if isTold { server.goTo(target) } else { team.postToOthers(.writer(target), than: number) }
    guard let before, settings.needsWriter else { return }
    if !isTold { logger.notice("the writer is \(target.name) now", metadata: ["before": "\(before.name)"]) }
    retireBackends { $0.target(of: $1) != target }
  }

  /// Those backends are closed as soon as nobody has them.
  mutating func retireBackends(where isMeant: (borrowing PoolLoop, Int) -> Bool) {
    for index in 0..<backends.used {
      switch backends[index].phase {
      case .serving, .recovering, .cleaning, .listening:
        guard isMeant(self, index) else { continue }
        if pool.isIdle(BackendID(index)) || backends[index].phase == .listening {
          closeBackend(index)
        } else {
          pool.retire(BackendID(index))
        }
      case .connecting, .encrypting, .login, .preparing, .lookingUp:
        if isMeant(self, index), backendLogins[index] == nil { closeBackend(index) }
      case .absent, .replicating, .closing: continue
      }
    }
  }

  /// For those who have waited in vain.
  var whereLooked: String {
    let targets = settings.targets.filter { $0.role != .reader }
    guard targets.count > 1 else {
      return "The target is \(settings.target.host), port \(settings.target.port)."
    }
    return "None of these takes writes: \(targets.map(\.name).joined(separator: ", "))."
  }

  /// Asks for the targets' addresses again, off the loop: their names may point elsewhere by now. All loops hear of it.
  /// - Parameter areOthers: the targets themselves have changed.
  mutating func lookUpTargets(areOthers: Bool = false) {
    if areOthers, server.isResolving { server.mustResolveAgain = true }
    guard !server.isResolving, areOthers || settings.targets.contains(where: { !$0.host.hasPrefix("/") })
    else {
      return
    }
    server.isResolving = true
    let (targets, contexts, team) = (settings.targets, serverTLS, team)
    startThread {
      let found = ServerAddress.resolve(targets, contexts).found
      for mailbox in team.mailboxes { mailbox.post(.resolved(found)) }
    }
  }

  /// The targets are there now, as far as their names could be found.
  mutating func targetsFound(_ addresses: [ServerAddress]) {
    let wasAsking = server.isResolving
    server.isResolving = false
    if server.mustResolveAgain, wasAsking {
      server.mustResolveAgain = false
      return lookUpTargets(areOthers: true)
    }
    // Asked for before the targets were changed.
    guard addresses.allSatisfy({ settings.targets.contains($0.target) }), !addresses.isEmpty else { return }
    server.found(addresses)
    retireForeignBackends()
  }

  /// Those at targets that are no longer named.
  mutating func retireForeignBackends() {
    retireBackends { loop, index in !loop.settings.targets.contains(loop.target(of: index)) }
  }

  /// Whether a backend of that target may serve: it may have been on its way while targets changed.
  func mayServe(_ target: PoolSettings.Target?) -> Bool {
    guard let target else { return true }
    guard settings.targets.contains(target) else { return false }
    return !settings.needsWriter || server.writer == nil || server.writer == target
  }
}

extension PoolSettings.Target {
  /// For people: `HOST:PORT`.
  package var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
