import SQLText

/// What the functions of a database do to their callers' sessions, as far as anybody has called them.
///
/// A text does not show what a function does, and looking for everything after every call costs more than most
/// calls. So the first call of a name is followed by a look for everything, and by a question to the catalogue; what
/// the bodies say is kept for the next calls. The book is forgotten now and then, since functions change.
struct FunctionBook: Sendable {
  /// What calling a function of the name does. Its own calls of others are among its effects.
  private var known: [[UInt8]: SessionEffects] = [:]

  /// Clients choose the names.
  private static let capacity = 4_096

  /// What is known of the name; `nil` when it has not been asked for.
  func effects(of name: [UInt8]) -> SessionEffects? { known[name] }

  /// Whether it is known that calling the name does nothing to a session, by itself or by what it calls.
  func isHarmless(_ name: [UInt8]) -> Bool { known[name]?.isEmpty == true }

  mutating func forget() { known.removeAll(keepingCapacity: true) }

  /// The catalogue has answered: `rows` are the functions of these names, with language and body.
  mutating func learn(_ names: [[UInt8]], _ rows: [[[UInt8]?]]) {
    if known.count + names.count > Self.capacity { forget() }
    for name in names { known[name] = SessionEffects() }
    for row in rows where row.count == 3 {
      guard let name = row[0], let language = row[1], let body = row[2] else { continue }
      known[name] = Self.effects(of: body, in: language, besides: known[name] ?? SessionEffects())
    }
  }

  /// - Parameter others: what functions of the same name do.
  private static func effects(
    of body: [UInt8], in language: [UInt8], besides others: SessionEffects
  ) -> SessionEffects {
    var effects = others
    switch String(decoding: language, as: UTF8.self) {
    case "sql", "plpgsql":
      var scanner = EffectScanner(standardConformingStrings: true)
      scanner.scanBody(body.span, &effects)
    // Compiled code, which nobody can read, is trusted not to meddle; the server's own does not.
    case "c", "internal": break
    default: effects.marks.formUnion(.anything)
    }
    // Parameters of the function, not of the statement that calls it.
    if !effects.settingParameters.isEmpty {
      effects.settingParameters = []
      effects.pins(.settingByFunction)
    }
    effects.names = []
    effects.deallocated = []
    return effects
  }
}
