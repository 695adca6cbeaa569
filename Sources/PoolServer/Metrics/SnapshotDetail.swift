/// How much a ``PoolSnapshot`` is to tell.
package enum SnapshotDetail: Sendable {
  /// What is counted and how many there are of each kind.
  case counts
  /// Besides, who holds and waits longest: ``PoolSnapshot/ranking``.
  case clients
}
