/// Where a script without a transaction goes on after a run that did not reach its end.
///
/// Each statement was recorded as started before it ran and as done after it. The done ones are passed over; one
/// that started and neither ended nor failed is unknown: it may have taken effect or not.
package struct ResumePlan: Sendable, Equatable {
  /// What is remembered of a statement.
  package struct Row: Sendable, Equatable {
    package enum Outcome: String, Sendable { case started, done, failed }

    /// From 1, in the order of the script.
    package var number: Int
    /// ``StatementHash`` of its text.
    package var hash: Int64
    package var outcome: Outcome
    /// The script's at that time.
    package var checksum: Int32?
    /// As the server writes a time.
    package var startedOn: String

    package init(number: Int, hash: Int64, outcome: Outcome, checksum: Int32?, startedOn: String = "") {
      self.number = number
      self.hash = hash
      self.outcome = outcome
      self.checksum = checksum
      self.startedOn = startedOn
    }
  }

  /// The first statement that is not known to be done, from 1; one more than there are when all are.
  package var first: Int
  /// What was going on when the run was cut off: the statement `first`.
  package var unknown: Row?
  /// The statement `first` was refused by the server in the run before.
  package var hasFailed = false
  /// The script was changed after a run that ended in an error: it begins at its first statement again.
  package var isAnew = false

  /// - Parameters:
  ///   - rows: by number.
  ///   - hashes: of every statement that the script has now.
  ///   - resumeAt: a person's word on where to go on; nothing else counts then.
  package init(
    rows: [Row], hashes: [Int64], checksum: Int32?, resumeAt: Int? = nil
  ) throws(ResumeError) {
    if let resumeAt {
      guard (1...hashes.count + 1).contains(resumeAt) else {
        throw .noSuchStatement(resumeAt, count: hashes.count)
      }
      first = resumeAt
      return
    }
    let lastDone = rows.last { $0.outcome == .done }?.number ?? 0
    let open = rows.first { $0.outcome == .started && $0.number > lastDone }
    let changed = rows.first { row in
      row.outcome != .failed && row.number <= max(lastDone, open?.number ?? 0)
        && (checksum == nil || row.checksum != checksum)
        && !(row.number <= hashes.count && hashes[row.number - 1] == row.hash)
    }
    if let changed {
      // After an error the person who changed the script knew what had run, as with Flyway.
      guard open == nil, rows.contains(where: { $0.outcome == .failed }) else {
        throw .changedStatement(changed.number)
      }
      first = 1
      isAnew = true
      return
    }
    first = lastDone + 1
    if let open { first = open.number }
    unknown = open
    hasFailed = open == nil && rows.contains { $0.outcome == .failed && $0.number == first }
  }
}

/// Why a script cannot simply go on.
package enum ResumeError: Error, Sendable, Equatable {
  /// The statement of this number is not the one that ran, and the run was cut off.
  case changedStatement(Int)
  case noSuchStatement(Int, count: Int)

  package var message: String {
    switch self {
    case .changedStatement(let number):
      "statement \(number) of this script is not the one that a run before was cut off behind"
    case .noSuchStatement(let number, let count):
      "the script has \(count) \(count == 1 ? "statement" : "statements"); it cannot go on at statement \(number)"
    }
  }

  package var hint: String {
    switch self {
    case .changedStatement:
      "put the script back as it was and migrate again; or find out what has run and say where to go on:"
        + " --resume-at=N, the number of the first statement to run (1: from the start)"
    case .noSuchStatement(_, let count):
      "--resume-at takes 1 to \(count + 1); \(count + 1) means that everything has run"
    }
  }
}

/// FNV-1a, 64 bits: tells whether a statement is the same text as before. Nobody's attack is at stake.
package enum StatementHash {
  package static func of(_ text: [UInt8]) -> Int64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int64(bitPattern: hash)
  }
}
