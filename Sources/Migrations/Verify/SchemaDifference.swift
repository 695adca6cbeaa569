/// What two `pg_dump --schema-only` texts differ in, line by line.
package struct SchemaDifference: Sendable, Equatable {
  /// By object: a line that names it, `- ` what is gone, `+ ` what is there now and was not before.
  package let lines: [String]

  package var isEmpty: Bool { lines.isEmpty }

  package init(from before: String, to after: String) {
    let changes = Self.entries(of: after).difference(from: Self.entries(of: before))
    var objects: [String] = []
    var found: [String: [String]] = [:]
    // Removals first: a changed line then stands above what it became.
    for change in Array(changes.removals) + Array(changes.insertions) {
      let (sign, entry) =
        switch change {
        case .remove(_, let entry, _): ("- ", entry)
        case .insert(_, let entry, _): ("+ ", entry)
        }
      if found[entry.object] == nil { objects.append(entry.object) }
      found[entry.object, default: []].append(sign + entry.text)
    }
    lines = objects.flatMap { ($0.isEmpty ? [] : [$0]) + (found[$0] ?? []) }
  }

  private struct Entry: Equatable {
    let text: String
    let object: String
  }

  /// The lines that say something. `\restrict` has a random word behind it, comments name versions and numbers;
  /// one names the object: `-- Name: products; Type: TABLE; Schema: public; Owner: app`.
  private static func entries(of dump: String) -> [Entry] {
    var entries: [Entry] = []
    var object = ""
    for line in dump.split(separator: "\n") {
      if line.hasPrefix("--") {
        if let name = Self.objectName(line) { object = name }
        continue
      }
      if line.hasPrefix("\\restrict") || line.hasPrefix("\\unrestrict") || line.hasPrefix("SET ")
        || line.hasPrefix("SELECT pg_catalog.set_config(")
      {
        continue
      }
      entries.append(Entry(text: String(line), object: object))
    }
    return entries
  }

  private static func objectName(_ line: Substring) -> String? {
    let start = "-- Name: "
    guard line.hasPrefix(start) else { return nil }
    let fields = line.dropFirst(start.count).split(separator: "; ", omittingEmptySubsequences: false)
    guard fields.count >= 2, fields[1].hasPrefix("Type: ") else { return nil }
    return "\(fields[1].dropFirst("Type: ".count).lowercased()) \(fields[0]):"
  }
}
