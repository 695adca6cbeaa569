/// What the shop under load has: only what is really there is asked for.
package struct Shop: Sendable {
  /// Ids of products on sale.
  package let products: [Int]
  /// Tokens of sessions that have not expired.
  package let tokens: [[UInt8]]

  /// - Returns: nil when there is no product or no session: such a shop cannot be visited.
  package init?(products: [Int], tokens: [String]) {
    guard !products.isEmpty, !tokens.isEmpty else { return nil }
    self.products = products
    self.tokens = tokens.map { Array($0.utf8) }
  }
}
