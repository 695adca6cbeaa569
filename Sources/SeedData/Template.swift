/// A text with values in braces: `{product.stem}-{n:05}`.
///
/// - `{n}`: the row's number (in a table with a parent: the parent's); `{n:05}` with zeros up to five digits.
/// - `{line}`: which row of its parent this is.
/// - `{list.field}`: a field of a list; all of a row's templates see the same pick of one list.
/// - `{column}`: another column of the row, a virtual one too.
/// - `{column.other}`: `column` is a reference; another column of the row that it picked.
/// - `@table.column`, as the whole text: copied from the row's parent.
/// - `|ascii`, `|lower` after a name change its text; `{{` and `}}` are braces.
package struct Template: Sendable, Equatable {
  package enum Part: Sendable, Equatable {
    case text([UInt8])
    case rowNumber(width: Int)
    case line(width: Int)
    case column(String, filters: [Filter])
    /// A list's field or a referenced row's column: which of them is known once all names are.
    case member(of: String, String, filters: [Filter])
  }

  package enum Filter: String, Sendable, Equatable, CaseIterable {
    case ascii, lower

    func applied(to bytes: [UInt8]) -> [UInt8] {
      switch self {
      case .ascii: Transliteration.ascii(bytes)
      case .lower: Transliteration.lower(bytes)
      }
    }
  }

  package let source: String
  package let parts: [Part]

  /// - Throws: `PlanProblem.template` for a brace without its partner, an unknown filter or width.
  package init(_ source: String) throws(PlanProblem) {
    self.source = source
    var parts: [Part] = []
    var text: [UInt8] = []
    let bytes = Array(source.utf8)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      let isDoubled = index + 1 < bytes.count && bytes[index + 1] == byte
      if byte == UInt8(ascii: "{"), !isDoubled {
        guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
          throw PlanProblem(.template(source, reason: "has a { without its }"))
        }
        if !text.isEmpty { parts.append(.text(text)) }
        text = []
        parts.append(try Self.part(String(decoding: bytes[(index + 1)..<end], as: UTF8.self), in: source))
        index = end + 1
      } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") {
        guard isDoubled else { throw PlanProblem(.template(source, reason: "has a } without its {")) }
        text.append(byte)
        index += 2
      } else {
        text.append(byte)
        index += 1
      }
    }
    if !text.isEmpty { parts.append(.text(text)) }
    self.parts = parts
  }

  private static func part(_ body: String, in source: String) throws(PlanProblem) -> Part {
    let pieces = body.split(separator: "|", omittingEmptySubsequences: false).map { String($0) }
    var filters: [Filter] = []
    for name in pieces.dropFirst() {
      guard let filter = Filter(rawValue: name) else {
        throw PlanProblem(
          .template(source, reason: "has an unknown filter |\(name) (there are |ascii and |lower)"))
      }
      filters.append(filter)
    }
    let subject = pieces[0]
    let halves = subject.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    if halves[0] == "n" || halves[0] == "line" {
      var width = 0
      if halves.count == 2 {
        guard halves[1].first == "0", let digits = Int(halves[1]), (1...18).contains(digits) else {
          throw PlanProblem(.template(source, reason: "has a width other than :01 to :018"))
        }
        width = digits
      }
      return halves[0] == "n" ? .rowNumber(width: width) : .line(width: width)
    }
    let names = subject.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    guard names.allSatisfy({ !$0.isEmpty }), (1...2).contains(names.count) else {
      throw PlanProblem(.template(source, reason: "has {\(body)}, which names nothing"))
    }
    return names.count == 1
      ? .column(names[0], filters: filters) : .member(of: names[0], names[1], filters: filters)
  }
}
