// What functions do to their callers' sessions: looked up in the book, or asked for.

extension Sessions {
  /// The client's statement calls these. What is known of them is touched; for what is not, everything is looked at
  /// once the transaction has ended, and the catalogue is asked.
  mutating func callFunctions(_ client: ClientID, _ names: [[UInt8]]) {
    let index = Int(client.index)
    let book = books[clients[index].identity] ?? FunctionBook()
    // Nearly always, and without memory of its own: functions that are known and do nothing.
    if names.allSatisfy({ book.isHarmless($0) }) { return }
    var pending = names
    var seen = Set(names)
    while let name = pending.popLast() {
      guard var effects = book.effects(of: name) else {
        if clients[index].unknownFunctions.count < Self.mostQuestions,
          !clients[index].unknownFunctions.contains(name)
        {
          clients[index].unknownFunctions.append(name)
        }
        clients[index].marks.formUnion([.anything, .functions])
        continue
      }
      for nested in effects.functions where seen.insert(nested).inserted { pending.append(nested) }
      effects.functions = []
      if !effects.isEmpty { touch(client, effects) }
    }
  }

  /// Names that one question holds; more are asked for after the next call.
  private static var mostQuestions: Int { 64 }

  /// The catalogue has told what the functions are that were called and not known.
  mutating func adoptFunctions(_ client: ClientID, _ backend: BackendID) {
    let index = Int(client.index)
    let names = clients[index].askedFunctions
    clients[index].askedFunctions = []
    let rows = backends[Int(backend.index)].lookedRows.filter { $0.kind == .functions }.map(\.columns)
    books[clients[index].identity, default: FunctionBook()].learn(names, rows)
    // Custom settings that they set, and calls of others, are known only now.
    callFunctions(client, names)
  }

  /// Functions may have changed: what is known of them is asked for again.
  package mutating func forgetFunctions() { books.removeAll(keepingCapacity: true) }
}
