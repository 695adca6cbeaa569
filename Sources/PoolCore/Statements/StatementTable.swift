package import PostgresWire

/// Prepared statements over all clients and backends, by query text and parameter types.
///
/// A client's names and a backend's names for them differ: the client's "S_1" is every backend's "dbtool_7", so
/// one parsed plan serves all clients that prepared the same text.
package struct StatementTable: Sendable {
  private var texts: ByteTable
  private var effectsOf: [SessionEffects] = []
  /// What is asked of them at every Bind.
  private struct Traits: OptionSet {
    let rawValue: UInt8
    static var hasEffects: Traits { Traits(rawValue: 1) }
    static var mayLeaveState: Traits { Traits(rawValue: 2) }
    static var usesSequences: Traits { Traits(rawValue: 4) }
  }

  private var traits: [Traits] = []
  /// For which user, database and settings a server has parsed the statement last; see ``Sessions/answerParses``.
  private var provenFor: [UInt64] = []

  package init(seed: UInt64) { texts = ByteTable(seed: seed) }

  /// Bytes that their texts take.
  package var byteCount: Int { texts.byteCount }

  /// How many different statements are known.
  package var count: Int { texts.count }

  /// The statement of a Parse message under a client's ``ReadingTable``'s number, with one more user. Classified
  /// once, here.
  package mutating func retain(_ view: ParseView, in bytes: Span<UInt8>, reading: UInt64 = 0) -> StatementID {
    let (number, isNew) = texts.retain(
      bytes.extracting(view.queryStart..<view.frameEnd), variant: reading)
    if isNew {
      let effects = SessionEffects.scan(bytes.extracting(view.queryStart..<view.queryEnd))
      classified(Int(number), effects)
      // The number may have been another statement's.
      proven(StatementID(number), for: UInt64.max)
    }
    return StatementID(number)
  }

  /// The statement of a Parse message, if it is known already.
  func find(_ view: ParseView, in bytes: Span<UInt8>, reading: UInt64) -> StatementID? {
    texts.find(bytes.extracting(view.queryStart..<view.frameEnd), variant: reading).map { StatementID($0) }
  }

  /// How the statement's text is read.
  func reading(of statement: StatementID) -> UInt64 { texts.variant(of: statement.index) }

  /// The same text, read otherwise, with one more user.
  mutating func retain(_ statement: StatementID, reading: UInt64) -> StatementID {
    let tail = texts.bytes(of: statement.index)
    let (number, isNew) = texts.retain(tail.span, variant: reading)
    if isNew {
      classified(Int(number), effectsOf[Int(statement.index)])
      proven(StatementID(number), for: UInt64.max)
    }
    return StatementID(number)
  }

  private mutating func classified(_ number: Int, _ effects: SessionEffects) {
    while effectsOf.count <= number {
      effectsOf.append(SessionEffects())
      traits.append([])
    }
    effectsOf[number] = effects
    traits[number] = []
    if !effects.isEmpty { traits[number].formUnion([.hasEffects, .mayLeaveState]) }
    if effects.mayLeaveState { traits[number].insert(.mayLeaveState) }
    if effects.usesSequences { traits[number].insert(.usesSequences) }
  }

  /// A server has parsed the statement for such a client.
  mutating func proven(_ statement: StatementID, for kind: UInt64) {
    while provenFor.count <= Int(statement.index) { provenFor.append(UInt64.max) }
    provenFor[Int(statement.index)] = kind
  }

  func isProven(_ statement: StatementID, for kind: UInt64) -> Bool {
    Int(statement.index) < provenFor.count && provenFor[Int(statement.index)] == kind
  }

  package mutating func retain(_ statement: StatementID) { texts.retain(statement.index) }

  /// One user less; the statement is forgotten with its last.
  package mutating func release(_ statement: StatementID) { _ = texts.release(statement.index) }

  package func effects(of statement: StatementID) -> SessionEffects { effectsOf[Int(statement.index)] }

  /// Its text, with what follows it in a Parse message.
  func text(of statement: StatementID) -> [UInt8] { texts.bytes(of: statement.index) }

  /// A Parse message that gives the statement a client's own name.
  func appendParse(_ statement: StatementID, named name: [UInt8], to out: inout [UInt8]) {
    let tail = texts.bytes(of: statement.index)
    out.append(FrontendTag.parse)
    appendInt32(4 + name.count + 1 + tail.count, to: &out)
    out.append(contentsOf: name)
    out.append(0)
    out.append(contentsOf: tail)
  }

  /// Whether executing the statement touches session state; kept apart since almost none does.
  package func hasEffects(_ statement: StatementID) -> Bool {
    traits[Int(statement.index)].contains(.hasEffects)
  }

  /// See ``SessionEffects/mayLeaveState``.
  func mayLeaveState(_ statement: StatementID) -> Bool {
    traits[Int(statement.index)].contains(.mayLeaveState)
  }

  /// A Parse message that gives the statement its backend name.
  package func appendParse(_ statement: StatementID, to out: inout [UInt8]) {
    appendNamed(FrontendTag.parse, statement, tail: texts.bytes(of: statement.index), to: &out)
  }

  /// A Parse message for the unnamed statement.
  package func appendUnnamedParse(_ statement: StatementID, to out: inout [UInt8]) {
    let tail = texts.bytes(of: statement.index)
    out.append(FrontendTag.parse)
    appendInt32(4 + 1 + tail.count, to: &out)
    out.append(0)
    out.append(contentsOf: tail)
  }

  private func appendNamed(_ tag: UInt8, _ statement: StatementID, tail: [UInt8], to out: inout [UInt8]) {
    out.append(tag)
    let lengthAt = out.count
    appendInt32(0, to: &out)
    appendBackendName(of: statement, to: &out)
    out.append(contentsOf: tail)
    patchLength(at: lengthAt, in: &out)
  }

  /// See ``SessionEffects/usesSequences``.
  func usesSequences(_ statement: StatementID) -> Bool {
    traits[Int(statement.index)].contains(.usesSequences)
  }

  /// A Describe message for the statement's backend name.
  func appendDescribe(_ statement: StatementID, to out: inout [UInt8]) {
    out.append(FrontendTag.describe)
    let lengthAt = out.count
    appendInt32(0, to: &out)
    out.append(UInt8(ascii: "S"))
    appendBackendName(of: statement, to: &out)
    patchLength(at: lengthAt, in: &out)
  }

  /// A Close message for the statement's backend name. Closing what is not there is no error.
  package func appendClose(_ statement: StatementID, to out: inout [UInt8]) {
    out.append(FrontendTag.close)
    let lengthAt = out.count
    appendInt32(0, to: &out)
    out.append(UInt8(ascii: "S"))
    appendBackendName(of: statement, to: &out)
    patchLength(at: lengthAt, in: &out)
  }
}

/// The statement's name on every backend, with its terminator: "dbtool_" and the number in hexadecimal.
package func appendBackendName(of statement: StatementID, to out: inout [UInt8]) {
  out.append(addingCapacity: 16) { name in
    // "dbtool_", the first letter lowest.
    var letters: UInt64 = 0x5F_6C_6F_6F_74_62_64
    while letters != 0 {
      name.append(UInt8(truncatingIfNeeded: letters))
      letters >>= 8
    }
    var number = statement.index
    for _ in 0..<8 {
      let digit = UInt8(truncatingIfNeeded: number >> 28)
      name.append(digit &+ (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") &- 10))
      number <<= 4
    }
    name.append(0)
  }
}

/// What every statement's name on a backend begins with.
let backendNamePrefix: [UInt8] = Array("dbtool_".utf8)

func appendInt32(_ value: Int, to out: inout [UInt8]) {
  let word = UInt32(truncatingIfNeeded: value)
  out.append(addingCapacity: 4) { bytes in
    bytes.append(UInt8(truncatingIfNeeded: word >> 24))
    bytes.append(UInt8(truncatingIfNeeded: word >> 16))
    bytes.append(UInt8(truncatingIfNeeded: word >> 8))
    bytes.append(UInt8(truncatingIfNeeded: word))
  }
}

/// Writes the length of a frame whose length word stands at `position` and which ends where `out` ends.
func patchLength(at position: Int, in out: inout [UInt8]) {
  patch(out.count - position, at: position, in: &out)
}

/// Writes a length word.
func patch(_ length: Int, at position: Int, in out: inout [UInt8]) {
  let word = UInt32(truncatingIfNeeded: length)
  out[position] = UInt8(truncatingIfNeeded: word >> 24)
  out[position + 1] = UInt8(truncatingIfNeeded: word >> 16)
  out[position + 2] = UInt8(truncatingIfNeeded: word >> 8)
  out[position + 3] = UInt8(truncatingIfNeeded: word)
}
