import Migrations

extension Verifier {
  /// Files beside the scripts that were surely meant for `migrate`, and that it never looks at: a migration with
  /// another ending, a configuration whose script has another name.
  mutating func findStrays(_ files: MigrationFiles) {
    let scripts = files.migrations + files.undos + files.passedOver + files.callbacks.values.joined()
    var folders: [String: String] = [:]
    for file in scripts {
      folders[Self.folder(of: file.absolutePath)] = Self.folder(of: file.path)
    }
    for (folder, shown) in folders.sorted(by: { $0.key < $1.key }) {
      guard let names = try? LocalFile.names(in: folder) else { continue }
      for name in names where LocalFile.kind(of: folder + "/" + name) == .file {
        guard let (what, hint) = Self.objection(to: name, among: Set(names), settings.naming) else {
          continue
        }
        let path = shown.isEmpty ? name : shown + "/" + name
        ledger.add(VerifyCase(name, file: path), as: folder + "/" + name)
        ledger.fail(
          folder + "/" + name, .name,
          Failure(what, place: Failure.Place(file: path, line: 1, column: 1), hint: hint))
      }
    }
  }

  private static func folder(of path: String) -> String {
    String(path.lastIndex(of: "/").map { path[..<$0] } ?? "")
  }

  private static func objection(
    to name: String, among names: Set<String>, _ rules: NamingRules
  ) -> (what: String, hint: String)? {
    if rules.isScript(name) { return nil }
    if name.hasSuffix(".conf") {
      let script = String(name.dropLast(".conf".count))
      guard rules.isScript(script), !names.contains(script) else { return nil }
      return (
        "\(name) configures nothing: there is no \(script)",
        "give it its script's name with .conf behind it, or remove it"
      )
    }
    let ending = name.lastIndex(of: ".").map { String(name[$0...]) } ?? ""
    let stem = String(name.dropLast(ending.count))
    // An editor's copy of a script that is there.
    if names.contains(stem) || name.hasSuffix("~") { return nil }
    var others = rules
    others.suffixes = [ending]
    switch MigrationName.parse(name, others) {
    case .versioned, .baseline, .undo, .repeatable, .callback:
      let right = stem + (rules.suffixes.first ?? "")
      return (
        "migrate passes over \(name) in silence: it does not end with \(rules.suffixes.joined(separator: " or "))",
        "rename it to \(right)"
      )
    case .invalid, nil: return nil
    }
  }
}
