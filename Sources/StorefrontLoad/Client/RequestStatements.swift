// The shop's SQL. Where one product is asked for, its id comes back as the first column, so that an answer
// that belongs to another client's question is noticed.

extension RequestKind {
  /// The statement with parameters.
  var statement: String {
    switch self {
    case .productList: Self.listText
    case .product: Self.productText + "$1"
    case .inventory: Self.inventoryText + "$1"
    case .checkout: Self.checkoutText + "$1, $2, $3)"
    }
  }

  /// Its name when prepared: the same in every client, as drivers that count or hash name theirs.
  var statementName: String {
    switch self {
    case .productList: "shop_list"
    case .product: "shop_product"
    case .inventory: "shop_inventory"
    case .checkout: "shop_checkout"
    }
  }

  /// The text before and behind the values when they stand in it as literals.
  var simpleParts: ([UInt8], [UInt8]) { Self.parts[rawValue] }

  private static let listText = """
    SELECT id, name, category, price_cents, currency FROM products \
    WHERE active ORDER BY created_at DESC, id DESC LIMIT 100
    """
  private static let productText = """
    SELECT id, sku, name, description, category, price, currency, stock FROM catalog WHERE id = 
    """
  private static let inventoryText = "SELECT product_id, quantity FROM inventory WHERE product_id = "
  private static let checkoutText = "SELECT order_id, total_cents, currency, replayed FROM checkout("

  private static let parts: [([UInt8], [UInt8])] = allCases.map { kind in
    switch kind {
    case .productList: (Array(listText.utf8), [])
    case .product: (Array(productText.utf8), [])
    case .inventory: (Array(inventoryText.utf8), [])
    case .checkout: (Array(checkoutText.utf8), Array(")".utf8))
    }
  }
}
