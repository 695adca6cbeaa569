/// What a visitor of the shop asks for.
package enum RequestKind: Int, CaseIterable, Sendable {
  /// The newest 100 products.
  case productList
  /// One product with everything the page shows.
  case product
  /// How many of one product are there.
  case inventory
  /// An order of one to three products.
  case checkout

  /// The word for people.
  package var title: String {
    switch self {
    case .productList: "catalogue list"
    case .product: "catalogue item"
    case .inventory: "inventory"
    case .checkout: "checkout"
    }
  }

  /// The name in documents for programs.
  package var key: String {
    switch self {
    case .productList: "catalogueList"
    case .product: "catalogueItem"
    case .inventory: "inventory"
    case .checkout: "checkout"
    }
  }
}
