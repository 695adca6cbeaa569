/// A `COPY … FROM STDIN` that is under way. End it with ``finish()`` or ``fail(reason:)``; one that is simply
/// dropped is failed, so the session is never left waiting for rows.
///
/// The rows are in whatever format the statement said. Hand them over in pieces of any size; about 64 kB each
/// keeps memory small and calls few.
package final class CopyIn {
  private let connection: Connection
  private var isOpen = true

  init(_ connection: Connection) { self.connection = connection }

  deinit { if isOpen { abandon() } }

  /// Sends a piece of the data.
  /// - Throws: `ServerError`, after which the COPY is over.
  package func write(_ bytes: Span<UInt8>) throws(ServerError) {
    guard isOpen else { throw Self.over }
    do {
      try bytes.withUnsafeBufferPointer { (buffer) throws(ServerError) in
        try buffer.withMemoryRebound(to: CChar.self) { (chars) throws(ServerError) in
          try connection.put(chars)
        }
      }
    } catch {
      isOpen = false
      throw error
    }
  }

  /// Sends a piece of the data.
  package func write(_ bytes: [UInt8]) throws(ServerError) { try write(bytes.span) }

  /// Sends a piece of the data.
  package func write(_ bytes: ArraySlice<UInt8>) throws(ServerError) { try write(bytes.span) }

  /// Ends the data and waits for the server's verdict.
  /// - Returns: how many rows went in.
  /// - Throws: `ServerError`; its `context` names table, line and column of a bad row.
  package func finish() throws(ServerError) -> Int {
    guard isOpen else { throw Self.over }
    isOpen = false
    guard connection.endCopy(reason: nil) else { throw connection.lastError() }
    let tag = try connection.outcome().commandTag
    return tag.split(separator: " ").last.flatMap { Int($0) } ?? 0
  }

  /// Gives up: the server undoes the COPY, and the session is ready again (its transaction has failed).
  package func fail(reason: String) {
    guard isOpen else { return }
    isOpen = false
    // The error that this very call provokes says nothing new.
    if connection.endCopy(reason: reason) { _ = try? connection.outcome() }
  }

  private func abandon() { fail(reason: "abandoned by the client") }

  private static let over = ServerError(sqlState: "55000", message: "this COPY has already ended")
}
