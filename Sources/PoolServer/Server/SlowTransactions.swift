import PoolCore

/// What is known of running transactions while slow ones are logged (`slow_transaction`). Empty, and not asked, while none are.
struct SlowTransactions {
  /// One client's transaction so far. Times in nanoseconds.
  struct Notes {
    /// It waited so long for its backend.
    var waited: UInt64 = 0
    /// The server worked so long for it.
    var server: UInt64 = 0
    /// Queries answered; an extended batch up to its Sync is one.
    var queries = 0
    /// How long the server took for ``statement``.
    var longest: UInt64 = 0
    /// The one that took longest, of those whose text is known.
    var statement: StatementWords?
  }

  private var notes: [Int: Notes] = [:]
  var limit = LogLimit()

  mutating func waited(_ client: Int, _ nanoseconds: UInt64) {
    notes[client] = Notes()
    notes[client]?.waited = nanoseconds
  }

  /// - Parameter statement: asked for the text of what was answered, where it is the longest so far.
  mutating func answered(_ client: Int, _ nanoseconds: UInt64, _ statement: () -> StatementWords?) {
    var note = notes[client] ?? Notes()
    note.server &+= nanoseconds
    note.queries += 1
    if nanoseconds >= note.longest, let statement = statement() {
      note.longest = nanoseconds
      note.statement = statement
    }
    notes[client] = note
  }

  /// The client's transaction has ended, or the client.
  mutating func ended(_ client: Int) -> Notes { notes.removeValue(forKey: client) ?? Notes() }

  var isEmpty: Bool { notes.isEmpty }
}

/// Keeps a log from growing with the load: so many lines a second, and how many were held back before each.
struct LogLimit {
  static let linesPerSecond = 10

  private var second: UInt64 = 0
  private var lines = 0
  private var heldBack = 0

  /// - Returns: how many were held back since the last line; `nil`: this one is, too.
  mutating func admit(at now: Instant) -> Int? {
    let current = now.nanoseconds / 1_000_000_000
    if current != second {
      second = current
      lines = 0
    }
    guard lines < Self.linesPerSecond else {
      heldBack += 1
      return nil
    }
    lines += 1
    defer { heldBack = 0 }
    return heldBack
  }
}
