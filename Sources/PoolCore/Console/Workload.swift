/// What the clients of one user in one database have had done: plain integers that only grow, owned by one loop.
package struct Workload: Equatable, Sendable {
  /// Backends lent.
  package var borrows: UInt64 = 0
  package var transactions: UInt64 = 0
  package var queries: UInt64 = 0
  /// From clients.
  package var bytesReceived: UInt64 = 0
  /// To clients.
  package var bytesSent: UInt64 = 0
  /// Nanoseconds.
  package var transactionTime: UInt64 = 0
  /// At the server. Nanoseconds.
  package var queryTime: UInt64 = 0
  /// For a backend. Nanoseconds.
  package var waitTime: UInt64 = 0

  package init() {}

  package mutating func add(_ other: Workload) {
    for field in Self.fields { self[keyPath: field] &+= other[keyPath: field] }
  }

  /// What has come since an earlier moment.
  package func since(_ earlier: Workload) -> Workload {
    var difference = self
    for field in Self.fields { difference[keyPath: field] &-= earlier[keyPath: field] }
    return difference
  }

  private static var fields: [WritableKeyPath<Workload, UInt64>] {
    [
      \.borrows, \.transactions, \.queries, \.bytesReceived, \.bytesSent, \.transactionTime, \.queryTime,
      \.waitTime,
    ]
  }

  // MARK: As PgBouncer tells it

  /// Of SHOW STATS_TOTALS and SHOW STATS_AVERAGES.
  static let names = [
    "server_assignment_count", "xact_count", "query_count", "bytes_received", "bytes_sent", "xact_time",
    "query_time", "wait_time",
  ]
  static let totalNames = [
    "total_server_assignment_count", "total_xact_count", "total_query_count", "total_received", "total_sent",
    "total_xact_time", "total_query_time", "total_wait_time",
  ]
  static let averageNames = [
    "avg_server_assignment_count", "avg_xact_count", "avg_query_count", "avg_recv", "avg_sent",
    "avg_xact_time", "avg_query_time", "avg_wait_time",
  ]
  /// Of SHOW TOTALS, where bytes are called otherwise.
  static let sumNames = [
    "total_server_assignment_count", "total_xact_count", "total_query_count", "total_client_bytes",
    "total_server_bytes", "total_xact_time", "total_query_time", "total_wait_time",
    "avg_server_assignment_count", "avg_xact_count", "avg_query_count", "avg_client_bytes",
    "avg_server_bytes", "avg_xact_time", "avg_query_time", "avg_wait_time",
  ]

  /// In the order of ``names``; times in microseconds.
  var totals: [ConsoleCell] {
    [
      ConsoleCell(borrows), ConsoleCell(transactions), ConsoleCell(queries), ConsoleCell(bytesReceived),
      ConsoleCell(bytesSent), ConsoleCell(transactionTime / 1_000), ConsoleCell(queryTime / 1_000),
      ConsoleCell(waitTime / 1_000),
    ]
  }

  /// In the same order: counts and bytes for each second, times for each transaction, query and borrow in microseconds.
  /// - Parameter nanoseconds: in which this was done.
  func averages(over nanoseconds: UInt64) -> [ConsoleCell] {
    func rate(_ count: UInt64) -> ConsoleCell {
      nanoseconds == 0 ? ConsoleCell(0) : ConsoleCell((Double(count) * 1e9 / Double(nanoseconds)).wholeNumber)
    }
    func mean(_ time: UInt64, _ count: UInt64) -> ConsoleCell {
      ConsoleCell(count == 0 ? 0 : time / count / 1_000)
    }
    return [
      rate(borrows), rate(transactions), rate(queries), rate(bytesReceived), rate(bytesSent),
      mean(transactionTime, transactions), mean(queryTime, queries), mean(waitTime, borrows),
    ]
  }
}

extension Double {
  /// Without its fraction; what no integer holds is the largest.
  fileprivate var wholeNumber: Int64 { Int64(exactly: rounded(.down)) ?? .max }
}
