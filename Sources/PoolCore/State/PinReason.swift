/// Why a client keeps its backend beyond its transaction: state that cannot be carried to another one.
package enum PinReason: UInt8, CaseIterable, Sendable {
  case temporaryObject, heldCursor, listen, preparedStatement, advisoryLock, sequenceMemory, library, role
  case settingByFunction, settingInBlock, randomSeed, longText

  /// As logs and metrics name it.
  package var name: String {
    switch self {
    case .temporaryObject: "temporary_object"
    case .heldCursor: "held_cursor"
    case .listen: "listen"
    case .preparedStatement: "sql_prepare"
    case .advisoryLock: "advisory_lock"
    case .sequenceMemory: "sequence_memory"
    case .library: "load"
    case .role: "role"
    case .settingByFunction: "set_config"
    case .settingInBlock: "set_in_do"
    case .randomSeed: "random_seed"
    case .longText: "long_text"
    }
  }
}
