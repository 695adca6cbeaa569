extension VerifyReport {
  /// One document: `{"operation":"verify","clean":…,"findings":[…],"notes":[…],"cases":[…]}`.
  package var json: JSONValue {
    .object([
      .init("operation", .string("verify")), .init("clean", .bool(isClean)),
      .init("serverVersion", .string(serverVersion)), .init("milliseconds", .integer(milliseconds)),
      .init("findings", .array(findings.map(\.json))), .init("notes", .array(notes.map(\.json))),
      .init("cases", .array(cases.map(\.json))),
    ])
  }
}

extension VerifyCase {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [.init("name", .string(name))]
    if let file { members.append(.init("file", .string(file))) }
    switch outcome {
    case .passed: members.append(.init("outcome", .string("passed")))
    case .failed: members.append(.init("outcome", .string("failed")))
    case .notTried(let reason):
      members += [.init("outcome", .string("not tried")), .init("reason", .string(reason))]
    }
    if let milliseconds { members.append(.init("milliseconds", .integer(milliseconds))) }
    if let remark { members.append(.init("remark", .string(remark))) }
    return .object(members)
  }
}

extension Finding {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("rule", .string(rule.rawValue)), .init("what", .string(failure.what)),
    ]
    if let state = failure.sqlState { members.append(.init("sqlState", .string(state))) }
    if let place = failure.place {
      members.append(.init("file", .string(place.file)))
      if let line = place.line { members.append(.init("line", .integer(line))) }
      if let column = place.column { members.append(.init("column", .integer(column))) }
    }
    if let excerpt = failure.excerpt { members.append(.init("text", .string(excerpt.text))) }
    if let detail = failure.detail { members.append(.init("detail", .string(detail))) }
    if let hint = failure.hint { members.append(.init("hint", .string(hint))) }
    if !failure.related.isEmpty {
      members.append(.init("related", .array(failure.related.map { .string($0) })))
    }
    return .object(members)
  }
}
