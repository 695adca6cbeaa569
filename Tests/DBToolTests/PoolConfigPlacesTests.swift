import Testing

@testable import dbtool

@Suite("Where keys stand in a file")
struct PoolConfigPlacesTests {
  private static let text = #"""
    # a comment with key = 1
    [pool]   # and one here: x = 2
    a = "text with ] and # and = in it"
    "b c" = 'single \'
    d.e = [ 1, [2, 3], "]" ] # end
    f = """
    g = "not a key"
    \""" still inside """
    h = { i = 1, j = { k = "}" }, l = [ { m = 2 } ] }
    n = [
      "x", # comment ]
      "y",
    ]
    [[pool.users]]
    name = 'one'
    [[ pool . users ]]
      name = "two"
    [pool.users.more]
    deep = 1
    """#

  @Test(
    "each key is found at its line and column",
    arguments: [
      ("pool", 2, 1, 1), ("pool.a", 3, 1, 5), ("pool.b c", 4, 1, 9), ("pool.d.e", 5, 1, 7),
      ("pool.f", 6, 1, 5),
      ("pool.h", 9, 1, 5), ("pool.h.i", 9, 7, 11), ("pool.h.j.k", 9, 20, 24), ("pool.h.l[0].m", 9, 39, 43),
      ("pool.n", 10, 1, 5), ("pool.users[0]", 14, 1, 1), ("pool.users[0].name", 15, 1, 8),
      ("pool.users[1].name", 17, 3, 10), ("pool.users[1].more.deep", 19, 1, 8),
    ] as [(String, Int, Int, Int)])
  func places(path: String, line: Int, column: Int, valueColumn: Int) {
    #expect(
      KeyPlaces(Self.text).places[path]
        == KeyPlaces.Place(line: line, column: column, valueColumn: valueColumn))
  }

  @Test("what stands in strings is no key")
  func strings() {
    #expect(KeyPlaces(Self.text).places["pool.g"] == nil)
  }

  @Test("a key without a place of its own has that of what holds it")
  func parents() {
    let places = KeyPlaces("[pool]\nlisten = [1, 2]")
    #expect(places.place(of: "pool.listen[1]")?.line == 2)
    #expect(places.place(of: "pool.nothing")?.line == 1)
    #expect(places.place(of: "other") == nil)
  }

  @Test(
    "broken text ends the reading and nothing else",
    arguments: [
      "[", "[[", "a", "a =", "a = [", "a = {", "a = {b", "\"", "a = \"\"\"", "= 1", "a..b = 1", "a = [}", "]",
    ])
  func broken(text: String) {
    #expect(KeyPlaces(text).places.count <= 2)
  }
}
