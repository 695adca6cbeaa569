import LibPQ

/// Keeps made-up rows out of a database that says of itself that it is the real one.
package enum ProductionGuard {
  /// - Parameter acknowledged: the database's name, as who knows what is being done has typed it.
  /// - Returns: the database's name.
  static func check(_ connection: Connection, acknowledged: String?) throws(ServerError) -> Result<
    String, Failure
  > {
    let answer = try connection.query(
      """
      SELECT current_database(), shobj_description(oid, 'pg_database')
      FROM pg_database WHERE datname = current_database()
      """)
    let name = answer.first ?? ""
    if let acknowledged, acknowledged != name {
      return .failure(
        Failure(
          "--i-know names \(acknowledged), but this is the database \(name)", detail: "Nothing was changed.",
          exitCode: ExitStatus.usage))
    }
    let comment = answer.count > 0 ? answer[0, 1] ?? "" : ""
    guard acknowledged == nil,
      let place = saysProduction(name) ? "name" : saysProduction(comment) ? "comment" : nil
    else { return .success(name) }
    return .failure(
      Failure(
        "the \(place) of the database \(name) says that it is production", detail: "Nothing was changed.",
        hint: "if made-up rows belong there all the same: --i-know \(name)"))
  }

  /// Whether a word of `text` is `prod` or `prd`, ends so, or has `production` in it. `products` is none of them.
  package static func saysProduction(_ text: String) -> Bool {
    text.lowercased().split { !$0.isLetter }.contains { word in
      word == "prd" || word.hasSuffix("prod") || word.contains("production")
    }
  }
}
