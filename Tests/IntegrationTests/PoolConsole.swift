import DatabaseTools
import Foundation
import PostgresWire
import TestSupport
import Testing

/// A client at the console of a pool.
struct PoolConsole {
  let client: PoolWireClient

  /// - Parameter user: as whom; the pool's one user when it is `nil`.
  init(_ pool: PoolProcess, user: String? = nil, password: String? = nil, database: String = "pgbouncer")
    throws
  {
    client = try PoolWireClient(port: pool.port)
    var target = pool.target
    target.database = database
    if let user { target.user = user }
    if let password { target.password = Secret(password) }
    try client.logIn(target)
  }

  /// The rows of a SHOW, by column.
  func show(_ view: String) throws -> [[String: String?]] {
    let reply = try client.query("SHOW \(view)")
    let names = reply.columnNames
    return reply.rows.map { Dictionary(uniqueKeysWithValues: zip(names, $0)) }
  }

  /// The value of one column in the first row that fits.
  func cell(_ view: String, _ column: String, where filter: [String: String] = [:]) throws -> String? {
    let row = try show(view).first { row in filter.allSatisfy { row[$0.key] == $0.value } }
    return row?[column] ?? nil
  }

  /// An order that must be carried out.
  func run(_ order: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let reply = try client.query(order)
    #expect(reply.error == nil, "\(order): \(reply.error?.message ?? "")", sourceLocation: sourceLocation)
  }
}

extension PoolReply {
  /// The columns of the first RowDescription.
  var columnNames: [String] {
    guard let description = messages.first(where: { $0.tag == BackendTag.rowDescription }) else { return [] }
    let bytes = description.bytes.span
    var names: [String] = []
    var offset = 7
    while let end = terminator(in: bytes, from: offset, limit: bytes.count) {
      names.append(copiedText(in: bytes, from: offset, to: end))
      // Table, column, type, size, modifier and format.
      offset = end + 19
    }
    return names
  }
}
