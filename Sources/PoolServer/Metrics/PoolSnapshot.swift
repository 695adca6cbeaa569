/// The pool at one moment: what it has counted, and how things stand. A value that may leave the loop's thread.
package struct PoolSnapshot: Sendable {
  package var counters = PoolCounters()

  // MARK: Clients by phase

  /// Not logged in yet.
  package var clientsLoggingIn = 0
  /// Logged in, without a backend, asking for nothing.
  package var clientsIdle = 0
  /// In the borrow queue.
  package var waiting = 0
  /// Holding a backend.
  package var clientsActive = 0
  /// Told their last, being closed.
  package var clientsClosing = 0
  /// Of all clients, those whose connection is encrypted.
  package var encryptedClients = 0
  /// Of the active, those that keep their backend beyond their transaction.
  package var clientsPinned = 0

  // MARK: Backends

  /// Logged in, clean, lent to nobody.
  package var backendsIdle = 0
  /// Lent to a client, or being cleaned after one.
  package var backendsInUse = 0
  /// Of those in use, in a transaction as the server last said.
  package var backendsInTransaction = 0
  /// Connect or login under way.
  package var backendsConnecting = 0
  /// Told to end; the server has not closed them yet.
  package var backendsClosing = 0
  /// Of all backends, those whose connection is encrypted.
  package var encryptedBackends = 0
  /// The most backends that may be open.
  package var cap = 0

  // MARK: State

  /// How long the client at the head of the queue has waited, in nanoseconds; 0 without a queue.
  package var longestWaitNanoseconds: UInt64 = 0
  /// The server took a login, and has not been found unreachable since.
  package var isServerReachable = false
  /// It has been found unreachable, and took no login since.
  package var isServerDown = false
  /// For how long it has been found unreachable, in nanoseconds; 0 while it is not.
  package var serverDownNanoseconds: UInt64 = 0
  /// Why the last connect or login at the server failed; empty while the server answers.
  package var serverError = ""
  /// The pool is on its way out.
  package var isDraining = false
  /// Client connections that may be open at once.
  package var maxClients = 0
  /// CPU time that each loop's thread has used, in nanoseconds, by the loop's number.
  package var loopCPU: [Int: UInt64] = [:]
  /// Who holds and waits longest; empty unless it was asked for.
  package var ranking = ClientRanking()

  package init() {}

  /// All client connections.
  package var clients: Int { clientsLoggingIn + clientsIdle + waiting + clientsActive + clientsClosing }

  /// All backends that the server may count, connecting and closing ones included; never above ``cap``.
  package var backendsOpen: Int { backendsIdle + backendsInUse + backendsConnecting + backendsClosing }
}
