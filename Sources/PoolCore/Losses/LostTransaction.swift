/// A transaction whose backend is gone, or that never got one. Its client is told once; then everything fails until
/// it ends the transaction, as in one that has failed, so that the rest of it never runs by itself.
package struct LostTransaction: Equatable, Sendable {
  /// The error that its client has not heard yet; `nil` once it has.
  package var news: [UInt8]?
  /// It was lost with its BEGIN, so its client may not count it as begun: another BEGIN begins anew.
  package var mayBeginAnew = false
  /// The client has ended it, in a batch whose Sync is still to come.
  var hasEnded = false
  /// What the portals of the running batch would do.
  var portals: [Portal] = []

  struct Portal: Equatable, Sendable {
    let name: [UInt8]
    let reading: TransactionReading
  }

  package init(news: [UInt8]? = nil, mayBeginAnew: Bool = false) {
    self.news = news
    self.mayBeginAnew = mayBeginAnew
  }
}

/// What becomes of bytes that a client sends within a lost transaction.
package struct LostAnswer: Equatable, Sendable {
  package enum Next: Equatable, Sendable {
    /// More is needed.
    case more
    /// The transaction is over: what follows is a message as any other.
    case over
    /// The client leaves.
    case terminate
    /// No client message is like this.
    case malformed
    /// So many bytes of a long message are still to come, and are nobody's.
    case skip(Int)
  }

  /// What the client is answered.
  package var answer: [UInt8] = []
  /// How many of its bytes are dealt with.
  package var consumed = 0
  package var next = Next.more
}
