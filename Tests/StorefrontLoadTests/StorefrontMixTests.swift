import StorefrontLoad
import Testing

@Suite("The storefront mix") struct StorefrontMixTests {
  private let mix: StorefrontMix

  init() throws {
    let shop = try #require(Shop(products: Array(1...100), tokens: (1...1000).map { "token-\($0)" }))
    mix = StorefrontMix(shop: shop)
  }

  @Test("of 10,000 requests exactly 1,800 are lists, 4,200 products, 2,000 inventories, 2,000 checkouts")
  func fractions() {
    var counts: [RequestKind: Int] = [:]
    for client in 0..<4 {
      for number in 0..<2500 { counts[mix.request(client: client, number: number).kind, default: 0] += 1 }
    }
    #expect(counts == [.productList: 1800, .product: 4200, .inventory: 2000, .checkout: 2000])
  }

  @Test("every fifty requests of a client have the shares exactly", arguments: [0, 1, 799, 1599])
  func blocks(client: Int) {
    for block in 0..<20 {
      var counts: [RequestKind: Int] = [:]
      for number in block * 50..<block * 50 + 50 {
        counts[mix.request(client: client, number: number).kind, default: 0] += 1
      }
      #expect(counts == [.productList: 9, .product: 21, .inventory: 10, .checkout: 10])
    }
  }

  @Test("the first requests of many clients have nearly the shares too")
  func acrossClients() {
    var checkouts = 0
    for client in 0..<10_000 where mix.request(client: client, number: 0).kind == .checkout { checkouts += 1 }
    #expect((1900...2100).contains(checkouts))
  }

  @Test("only products and sessions of the shop are asked for, and every one of them")
  func details() {
    var products: Set<Int> = []
    var sessions: Set<Int> = []
    var lines: Set<Int> = []
    for client in 0..<20 {
      for number in 0..<1000 {
        let request = mix.request(client: client, number: number)
        for line in 0..<request.lineCount { products.insert(request.products[line]) }
        sessions.insert(request.session)
        if request.kind == .checkout {
          lines.insert(request.lineCount)
        } else {
          #expect(request.lineCount == 1)
        }
      }
    }
    #expect(products == Set(1...100))
    #expect(sessions == Set(0..<1000))
    #expect(lines == [1, 2, 3])
  }

  @Test("the same seed asks for the same things, another seed for others")
  func seeds() {
    let again = StorefrontMix(shop: mix.shop, seed: 1)
    let other = StorefrontMix(shop: mix.shop, seed: 2)
    var same = 0
    for number in 0..<1000 {
      let request = mix.request(client: 7, number: number)
      #expect(again.request(client: 7, number: number).session == request.session)
      if other.request(client: 7, number: number).session == request.session { same += 1 }
    }
    #expect(same < 20)
  }

  @Test("thinking stays in its range")
  func thinking() {
    for number in 0..<1000 {
      let pause = mix.thinkNanoseconds(client: 3, number: number, in: 500...2500)
      #expect((500...2500).contains(pause))
    }
    #expect(mix.thinkNanoseconds(client: 3, number: 0, in: 9...9) == 9)
  }

  @Test("a shop without products or without sessions cannot be visited")
  func emptyShop() {
    #expect(Shop(products: [], tokens: ["t"]) == nil)
    #expect(Shop(products: [1], tokens: []) == nil)
  }
}
