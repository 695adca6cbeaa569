import SQLText

/// What must be asked for once a transaction has ended, beyond single settings.
@usableFromInline
package struct SessionMarks: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt8
  @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Settings were changed that the text does not name: all are asked for.
  @inlinable package static var settings: SessionMarks { SessionMarks(rawValue: 1) }
  /// SQL-level PREPARE or DEALLOCATE.
  @inlinable package static var names: SessionMarks { SessionMarks(rawValue: 2) }
  /// What pins the client may have come or gone.
  @inlinable package static var pins: SessionMarks { SessionMarks(rawValue: 4) }
  /// SET LOCAL of what decides how texts are read; nothing to ask for.
  @inlinable package static var reading: SessionMarks { SessionMarks(rawValue: 8) }
  /// LISTEN or UNLISTEN.
  @inlinable package static var channels: SessionMarks { SessionMarks(rawValue: 16) }
  /// NOTIFY: what the client itself listens to is told before its answer ends. Nothing to ask for.
  @inlinable package static var notifies: SessionMarks { SessionMarks(rawValue: 32) }
  /// Functions were called of which nothing is known yet.
  @inlinable package static var functions: SessionMarks { SessionMarks(rawValue: 64) }
  /// What pins the client may have come without a word of it in the text.
  @inlinable package static var unseenPins: SessionMarks { SessionMarks(rawValue: 128) }
  /// What a text that nobody can read may do.
  static let anything: SessionMarks = [.settings, .names, .pins, .unseenPins, .channels]
}

/// What a statement's text says it may do to the state of its session.
///
/// Tokens decide what follows a client and what pins it. They never decide that a backend is clean, unless
/// `session_check = "tokens"` says so: views, casts and functions change state behind innocent text, so a backend is
/// cleaned at every change of client.
package struct SessionEffects: Equatable, Sendable {
  /// What the text touches that only its own backend can keep.
  package var pin: PinReason?
  /// What must be asked for afterwards.
  package var marks: SessionMarks = []
  /// RESET ALL: every setting goes back to what the client started with.
  package var resetsAll = false
  /// DISCARD ALL: role and session authorization do so, too.
  package var resetsRole = false
  /// Settings whose values must be asked for once the transaction has ended, lower case.
  package var settings: [String] = []
  /// Settings that go back to what the client started with, if the transaction commits, lower case.
  package var resets: [String] = []
  /// Parameters of the text whose values are such settings' names, from 1: `set_config($1, $2, false)`.
  package var settingParameters: [Int] = []
  /// Prepared statements that the text calls by their names: PREPARE, EXECUTE, DEALLOCATE.
  package var names: [[UInt8]] = []
  /// Those among them that EXECUTE or PREPARE names.
  package var executed: [[UInt8]] = []
  /// Channels that UNLISTEN names, as the server folds them.
  package var unlistened: [[UInt8]] = []
  /// UNLISTEN *.
  package var unlistensAll = false
  /// Those among them that DEALLOCATE names.
  package var deallocated: [[UInt8]] = []
  /// Functions and procedures that it calls, as the server folds their names; those that everybody knows left out.
  package var functions: [[UInt8]] = []
  /// It makes, changes or drops functions.
  package var changesFunctions = false
  /// It reads the list of prepared statements: all of the client's must be there.
  package var listsStatements = false
  /// It may take from a sequence by its own words: INSERT, nextval, setval.
  package var usesSequences = false
  /// It reads the list of channels: the backend must listen to what the client does.
  package var listsChannels = false
  /// It is more than reading rows, changing them, and beginning and ending transactions: an INSERT may take from a
  /// sequence, DDL and DO may do anything. Counts only for `session_check = "tokens"`, and not in ``isEmpty``.
  package var mayLeaveState = false

  package init() {}

  /// Nothing that a pool must care for.
  package var isEmpty: Bool {
    pin == nil && marks.isEmpty && !resetsAll && settings.isEmpty && resets.isEmpty && names.isEmpty
      && settingParameters.isEmpty && functions.isEmpty && !changesFunctions && !listsStatements
      && !listsChannels
  }

  /// Longer texts are only looked through for words (``LongTextWatch``), and pin when one of them is suspect.
  package static let longestScanned = 1 << 22

  /// Reads all statements of a text. Allocates only when there is something to tell.
  package static func scan(_ text: Span<UInt8>, standardConformingStrings: Bool = true) -> SessionEffects {
    var effects = SessionEffects()
    if text.count > longestScanned {
      var watch = LongTextWatch()
      watch.read(text)
      watch.end()
      if watch.isSuspect { effects.pin = .longText }
      effects.mayLeaveState = true
      return effects
    }
    var scanner = EffectScanner(standardConformingStrings: standardConformingStrings)
    scanner.scan(text, into: &effects)
    return effects
  }

  mutating func pins(_ reason: PinReason) {
    if pin == nil { pin = reason }
    if reason.canBeSeen { marks.insert(.pins) }
  }

  // The last word on a setting counts: it is among `settings` or among `resets`, never in both.

  mutating func sets(_ setting: String) {
    resets.removeAll { $0 == setting }
    if !settings.contains(setting) { settings.append(setting) }
  }

  mutating func undoes(_ setting: String) {
    settings.removeAll { $0 == setting }
    if !resets.contains(setting) { resets.append(setting) }
  }

  mutating func undoesAll() {
    for setting in settings where !isRole(setting) { undoes(setting) }
    resetsAll = true
  }

  /// EXECUTE or PREPARE names a statement.
  mutating func calls(_ name: [UInt8]) {
    if !names.contains(name) { names.append(name) }
    if !executed.contains(name) { executed.append(name) }
  }

  /// DEALLOCATE names one.
  mutating func deallocates(_ name: [UInt8]) {
    if !names.contains(name) { names.append(name) }
    if !deallocated.contains(name) { deallocated.append(name) }
  }
}

/// RESET ALL leaves these as they are.
func isRole(_ setting: String) -> Bool { setting == "role" || setting == "session_authorization" }
