/// Why a client keeps its backend beyond its transaction: state that cannot be carried to another one.
package enum PinReason: UInt8, CaseIterable, Sendable {
  case temporaryObject, heldCursor, preparedStatement, advisoryLock, sequenceMemory, library
  case settingByFunction, randomSeed, longText, setting, replication

  /// As logs and metrics name it.
  package var name: String {
    switch self {
    case .temporaryObject: "temporary_object"
    case .heldCursor: "held_cursor"
    case .preparedStatement: "sql_prepare"
    case .advisoryLock: "advisory_lock"
    case .sequenceMemory: "sequence_memory"
    case .library: "load"
    case .settingByFunction: "set_config"
    case .randomSeed: "random_seed"
    case .longText: "long_text"
    case .setting: "setting"
    case .replication: "replication"
    }
  }

  /// Those that the catalogues tell, in the order of ``Front/Step/lookAtPins``.
  static let seen: [PinReason] = [.temporaryObject, .heldCursor, .advisoryLock]

  /// Whether the server's catalogues tell that it is gone.
  package var canBeSeen: Bool {
    switch self {
    case .temporaryObject, .heldCursor, .advisoryLock: true
    case .preparedStatement, .sequenceMemory, .library, .settingByFunction, .randomSeed, .longText,
      .setting, .replication:
      false
    }
  }

  /// Whether cleaning a backend leaves nothing of it behind.
  package var canBeCleaned: Bool {
    switch self {
    case .temporaryObject, .heldCursor, .advisoryLock, .sequenceMemory, .settingByFunction, .setting: true
    case .preparedStatement, .library, .randomSeed, .longText, .replication: false
    }
  }
}

/// All reasons why a client keeps its backend.
package struct PinSet: Equatable, Sendable {
  private var bits: UInt16 = 0

  package init() {}

  package var isEmpty: Bool { bits == 0 }

  /// One of them, for logs and metrics.
  package var first: PinReason? {
    bits == 0 ? nil : PinReason(rawValue: UInt8(truncatingIfNeeded: bits.trailingZeroBitCount))
  }

  package func contains(_ reason: PinReason) -> Bool { bits & (1 << UInt16(reason.rawValue)) != 0 }

  package mutating func insert(_ reason: PinReason) { bits |= 1 << UInt16(reason.rawValue) }

  package mutating func remove(_ reason: PinReason) { bits &= ~(1 << UInt16(reason.rawValue)) }

  /// One that only the end of the backend undoes.
  package var mustClose: Bool { PinReason.allCases.contains { contains($0) && !$0.canBeCleaned } }

  /// One whose end the catalogues tell.
  package var canBeSeen: Bool { PinReason.allCases.contains { contains($0) && $0.canBeSeen } }

}
