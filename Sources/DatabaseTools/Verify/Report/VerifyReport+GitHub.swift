extension VerifyReport {
  /// The report as GitHub shows it beside the lines of a pull request, a line for each finding and note:
  /// `::error file=…,line=…,col=…,title=…::message`. Source: GitHub's documentation, "Workflow commands".
  /// - Parameters:
  ///   - folder: what relative paths start from.
  ///   - workspace: the checkout; paths below it are shown from there.
  package func annotations(folder: String, workspace: String?) -> [String] {
    func lines(_ command: String, _ findings: [Finding]) -> [String] {
      findings.map { finding in
        let failure = finding.failure
        var properties: [String] = []
        if let place = failure.place {
          properties.append("file=" + Self.property(Self.path(place.file, folder, workspace)))
          if let line = place.line { properties.append("line=\(line)") }
          if let column = place.column { properties.append("col=\(column)") }
        }
        properties.append("title=" + Self.property("dbtool verify: \(finding.rule.rawValue)"))
        var message = failure.what + (failure.sqlState.map { " (SQLSTATE \($0))" } ?? "")
        if let detail = failure.detail { message += "\ndetail: " + detail }
        for line in failure.related { message += "\n" + line }
        if let hint = failure.hint { message += "\nhint: " + hint }
        return "::\(command) \(properties.joined(separator: ","))::\(Self.data(message))"
      }
    }
    return lines("error", findings) + lines("notice", notes)
  }

  private static func path(_ file: String, _ folder: String, _ workspace: String?) -> String {
    let absolute = LocalPath.absolute(file, in: folder)
    guard let workspace, !workspace.isEmpty else { return file }
    let root = LocalPath.absolute(workspace, in: folder)
    return absolute.hasPrefix(root + "/") ? String(absolute.dropFirst(root.count + 1)) : absolute
  }

  private static func data(_ text: String) -> String {
    escaped(text, ["%": "%25", "\r": "%0D", "\n": "%0A"])
  }

  private static func property(_ text: String) -> String {
    escaped(text, ["%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"])
  }

  private static func escaped(_ text: String, _ codes: [Unicode.Scalar: String]) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if let code = codes[scalar] { result += code } else { result.unicodeScalars.append(scalar) }
    }
    return result
  }
}
