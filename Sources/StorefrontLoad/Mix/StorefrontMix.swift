/// Who asks for what: 60 % catalogue (30 % of it the list, 70 % one product), 20 % inventory, 20 % checkout.
///
/// The shares are exact, not just likely: of each client's requests, every fifty in a row hold 9 lists,
/// 21 products, 10 inventories and 10 checkouts, in an order of their own.
package struct StorefrontMix: Sendable {
  /// Requests after which a client's shares are exact.
  package static let blockLength = 50

  package let shop: Shop
  private let draws: Draws

  package init(shop: Shop, seed: UInt64 = 1) {
    self.shop = shop
    draws = Draws(seed: seed)
  }

  /// A client's `number`-th request, from 0.
  package func request(client: Int, number: Int) -> StorefrontRequest {
    let kind = kind(client: client, number: number)
    var lines = 1
    if kind == .checkout {
      lines += draws.number(below: Self.mostLines, client: client, number: number, index: 0)
    }
    return StorefrontRequest(
      kind: kind, client: client, number: number, lineCount: lines,
      products: .init { line in
        let products = shop.products
        return products[draws.number(below: products.count, client: client, number: number, index: line + 1)]
      },
      session: draws.number(
        below: shop.tokens.count, client: client, number: number, index: Self.mostLines + 1))
  }

  /// How long a client thinks before its `number`-th request, in nanoseconds, evenly spread over the range.
  package func thinkNanoseconds(client: Int, number: Int, in range: ClosedRange<UInt64>) -> UInt64 {
    let width = Int(clamping: range.upperBound - range.lowerBound)
    guard width > 0 else { return range.lowerBound }
    return range.lowerBound
      + UInt64(draws.number(below: width, client: client, number: number, index: Self.mostLines + 2))
  }

  private static let mostLines = 3
  /// Steps that visit each of the 50 places of a block once: they share no factor with 50.
  private static let steps = [3, 7, 9, 11, 13, 17, 19, 21, 23, 27, 29, 31, 33, 37, 39, 41, 43, 47]

  private func kind(client: Int, number: Int) -> RequestKind {
    let block = number / Self.blockLength
    // Negative numbers keep a block's draws apart from those of its requests.
    let step = Self.steps[draws.number(below: Self.steps.count, client: client, number: -1 - block, index: 0)]
    let start = draws.number(below: Self.blockLength, client: client, number: -1 - block, index: 1)
    switch (start + step * (number % Self.blockLength)) % Self.blockLength {
    case ..<9: return .productList
    case ..<30: return .product
    case ..<40: return .inventory
    default: return .checkout  // places 40 to 49
    }
  }
}

/// One request, as numbers: nothing is allocated until it becomes bytes.
package struct StorefrontRequest: Sendable {
  package let kind: RequestKind
  package let client: Int
  /// From 0, for each client.
  package let number: Int
  /// How many of ``products`` count: 1, or up to 3 in a checkout.
  package let lineCount: Int
  package let products: InlineArray<3, Int>
  /// Whose session pays, as an index into the shop's tokens.
  package let session: Int
}
