private import CLibPQ

/// Cancels what one session is doing, from any thread; outlives the session harmlessly.
///
/// `PQcancel` only reads the object made by `PQgetCancel`, hence `@unchecked Sendable`.
package final class Canceller: @unchecked Sendable {
  private let handle: OpaquePointer

  init?(_ connection: OpaquePointer?) {
    guard let handle = PQgetCancel(connection) else { return nil }
    self.handle = handle
  }

  deinit { PQfreeCancel(handle) }

  /// Sends the cancel request over a connection of its own and waits until the server has taken it.
  /// - Returns: whether the server could be reached; the statement may all the same have ended before.
  @discardableResult
  package func cancel() -> Bool {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { reason in
      PQcancel(handle, reason.baseAddress, Int32(reason.count)) == 1
    }
  }
}
