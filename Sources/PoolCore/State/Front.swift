package import PostgresWire

/// What is put in front of a client's first bytes on a backend that was another's: cleaning, then the client's own
/// settings, in a transaction of its own and without Sync.
///
/// In one text with the client's query it would share its implicit transaction; as a Query of its own a failure
/// would not stop the client's statement behind it. Between `BEGIN` and `COMMIT` in the extended protocol, both are
/// right: the client's statement starts its own transaction, and if anything in front fails the server skips up
/// to the next Sync, so nothing of the client's runs.
package enum Front {
  /// Statements that every backend prepares once, at login.
  package enum Step: String, CaseIterable, Sendable {
    case begin = "BEGIN ISOLATION LEVEL READ COMMITTED"
    case resetAuthorization = "RESET SESSION AUTHORIZATION"
    case resetRole = "RESET ROLE"
    case resetAll = "RESET ALL"
    case closeAll = "CLOSE ALL"
    case unlisten = "UNLISTEN *"
    // Qualified: an unqualified name could be answered by a function of a client's search_path.
    case unlock = "SELECT pg_catalog.pg_advisory_unlock_all()"
    case discardTemporary = "DISCARD TEMP"
    case discardSequences = "DISCARD SEQUENCES"
    case set = "SELECT pg_catalog.set_config($1, $2, false)"
    case look = "SELECT pg_catalog.current_setting($1, true)"
    // Custom names are not among them, nor role and session authorization. Always at least one row.
    case lookAtSettings = """
      SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings WHERE source = 'session' \
      AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable') \
      UNION ALL SELECT 'role', pg_catalog.current_setting('role')
      """
    // The pool's own names begin with dbtool_.
    case lookAtNames = """
      SELECT name, statement, from_sql FROM pg_catalog.pg_prepared_statements \
      WHERE name OPERATOR(pg_catalog.!~~) 'dbtool\\_%'
      """
    // What pins and can be seen: temporary objects, held cursors, session-level advisory locks. One column each.
    case lookAtPins = """
      SELECT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=) 2615 \
      AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() \
      AND classid OPERATOR(pg_catalog.<>) 826) \
      , EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable) \
      , EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype OPERATOR(pg_catalog.=) 'advisory' \
      AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())
      """
    case lookAtChannels = "SELECT pg_catalog.pg_listening_channels()"
    case lookAtSequences = """
      SELECT EXISTS (SELECT FROM pg_catalog.pg_sequence WHERE seqcache OPERATOR(pg_catalog.>) 1)
      """
    // Of a client's functions, the server's own left out: a name may be theirs, too.
    case lookAtFunctions = """
      SELECT p.proname, l.lanname, \
      CASE WHEN p.prosrc OPERATOR(pg_catalog.=) '' AND p.prokind IN ('f', 'p') \
      THEN pg_catalog.pg_get_functiondef(p.oid) ELSE p.prosrc END \
      FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang \
      WHERE p.proname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.name[]) AND p.pronamespace \
      OPERATOR(pg_catalog.<>) 11
      """
    // After a failure: what the server lists and no session has set is as it was.
    case lookIfSet = """
      SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_settings WHERE \
      pg_catalog.lower(name) OPERATOR(pg_catalog.=) $1 AND source OPERATOR(pg_catalog.<>) 'session') \
      THEN NULL ELSE pg_catalog.current_setting($1, true) END
      """
    // A RESET that was rolled back has left the value as it was.
    case restore = """
      SELECT pg_catalog.set_config($1, \
      CASE WHEN pg_catalog.current_setting($1, true) = $3 THEN $3 ELSE $2 END, false)
      """
    case commit = "COMMIT"

    /// Its name on the backend.
    var statementName: String {
      switch self {
      case .begin: "dbtool_begin"
      case .resetAuthorization: "dbtool_authorization"
      case .resetRole: "dbtool_role"
      case .resetAll: "dbtool_reset"
      case .closeAll: "dbtool_close"
      case .unlisten: "dbtool_unlisten"
      case .unlock: "dbtool_unlock"
      case .discardTemporary: "dbtool_temp"
      case .discardSequences: "dbtool_sequences"
      case .lookAtSettings: "dbtool_look_settings"
      case .lookAtNames: "dbtool_look_names"
      case .lookAtPins: "dbtool_look_pins"
      case .lookAtChannels: "dbtool_look_channels"
      case .lookAtSequences: "dbtool_look_sequences"
      case .lookAtFunctions: "dbtool_look_functions"
      case .lookIfSet: "dbtool_look_if_set"
      case .set: "dbtool_set"
      case .look: "dbtool_look"
      case .restore: "dbtool_restore"
      case .commit: "dbtool_commit"
      }
    }
  }

  /// What makes a backend as good as new. DISCARD SEQUENCES comes to it, unless the database has sequences that
  /// cache values: it throws those away.
  static let cleaning: [Step] = [
    .resetAuthorization, .resetRole, .resetAll, .closeAll, .unlisten, .unlock, .discardTemporary,
  ]

  /// Closes and parses every step; sent once after a backend's login, and again when its statements were dropped.
  /// Each gives one answer: ``preparationCount``.
  package static func preparation() -> [UInt8] {
    var writer = MessageWriter(reservingCapacity: 1024)
    for step in Step.allCases {
      writer.close(statement: step.statementName)
      writer.parse(name: step.statementName, query: step.rawValue, types: [])
    }
    return writer.bytes
  }

  package static var preparationCount: Int { Step.allCases.count * 2 }

  /// The whole front for an image.
  static func bytes(for image: SettingsImage, discardingSequences: Bool = true) -> [UInt8] {
    var writer = MessageWriter(reservingCapacity: 512)
    run(.begin, in: &writer)
    for step in cleaning { run(step, in: &writer) }
    if discardingSequences { run(.discardSequences, in: &writer) }
    let last = lateSettings
    for setting in image.settings where !last.contains(setting.name) { set(setting, in: &writer) }
    for name in last {
      if let value = image[name] { set(SettingsImage.Setting(name: name, value: value), in: &writer) }
    }
    run(.commit, in: &writer)
    return writer.bytes
  }

  /// Settings that are set behind all others, in this order. Until the encoding is, values travel as the server's
  /// own bytes; other settings may ask for more than the role may do; timeouts must not end what is before them.
  private static let lateSettings = [
    "client_encoding", "session_authorization", "role", "lock_timeout", "statement_timeout",
  ]

  /// How many steps the front of an image with so many settings has.
  package static func count(settings: Int, discardingSequences: Bool = true) -> Int {
    cleaning.count + (discardingSequences ? 3 : 2) + settings
  }

  /// Asks for a setting's value.
  package static func appendLook(_ name: String, to writer: inout MessageWriter) {
    run(.look, [Array(name.utf8)], in: &writer)
  }

  /// Asks for a setting's value, and gets none for one that the session has not set.
  static func appendLookIfSet(_ name: String, to writer: inout MessageWriter) {
    run(.lookIfSet, [Array(name.utf8)], in: &writer)
  }

  /// Asks for the functions of these names: name, language and body of each.
  static func appendLookAtFunctions(_ names: [[UInt8]], to writer: inout MessageWriter) {
    var list = [UInt8(ascii: "{")]
    for name in names {
      if list.count > 1 { list.append(UInt8(ascii: ",")) }
      list.append(UInt8(ascii: "\""))
      for byte in name {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { list.append(UInt8(ascii: "\\")) }
        list.append(byte)
      }
      list.append(UInt8(ascii: "\""))
    }
    list.append(UInt8(ascii: "}"))
    run(.lookAtFunctions, [list], in: &writer)
  }

  /// Sets a setting; to its default where there is no value.
  static func appendSet(_ name: String, _ value: [UInt8]?, to writer: inout MessageWriter) {
    run(.set, [Array(name.utf8), value], in: &writer)
  }

  /// Asks for what one of the steps without parameters answers.
  package static func appendLook(_ step: Step, to writer: inout MessageWriter) { run(step, in: &writer) }

  /// What the client's own name for a statement must stand for on the backend: closes it, and makes it anew by an
  /// SQL-level PREPARE. ``installCount`` answers.
  static func appendInstall(_ name: [UInt8], prepare: [UInt8], to writer: inout MessageWriter) {
    appendClose(name, to: &writer)
    appendClose(installName, to: &writer)
    writer.message(FrontendTag.parse) { writer in
      writer.text(installName)
      writer.text(prepare)
      writer.uint16(0)
    }
    writer.message(FrontendTag.bind) { writer in
      writer.text("")
      writer.text(installName)
      writer.uint16(0)
      writer.uint16(0)
      writer.uint16(0)
    }
    writer.execute(portal: "", maxRows: 0)
  }

  static var installCount: Int { 4 }
  static let installName = Array("dbtool_install".utf8)

  /// All prepared statements go, the pool's own, too. Answers how many replies that has.
  static func appendDeallocateAll(to writer: inout MessageWriter) -> Int {
    // Not the unnamed statement, which may be the client's.
    let name = "dbtool_deallocate"
    writer.close(statement: name)
    writer.parse(name: name, query: "DEALLOCATE ALL", types: [])
    writer.bind(portal: "", statement: name)
    writer.execute(portal: "", maxRows: 0)
    return 3
  }

  /// LISTEN to each channel, in a transaction of its own. Answers how many replies that has.
  static func appendListens(_ channels: [[UInt8]], to writer: inout MessageWriter) -> Int {
    run(.begin, in: &writer)
    for channel in channels {
      let quote = UInt8(ascii: "\"")
      let name = channel.flatMap { $0 == quote ? [quote, quote] : [$0] }
      appendClose(Array("dbtool_listen".utf8), to: &writer)
      writer.message(FrontendTag.parse) { writer in
        writer.text("dbtool_listen")
        writer.text(Array("LISTEN ".utf8) + [quote] + name + [quote])
        writer.uint16(0)
      }
      writer.bind(portal: "", statement: "dbtool_listen")
      writer.execute(portal: "", maxRows: 0)
    }
    run(.commit, in: &writer)
    return 2 + 3 * channels.count
  }

  /// Something, no matter what, stands under this name. Two answers.
  static func appendDummy(_ name: [UInt8], to writer: inout MessageWriter) {
    appendClose(name, to: &writer)
    writer.message(FrontendTag.parse) { writer in
      writer.text(name)
      writer.text("SELECT")
      writer.uint16(0)
    }
  }

  /// Closes a statement of this name; no error when there is none.
  static func appendClose(_ name: [UInt8], to writer: inout MessageWriter) {
    writer.message(FrontendTag.close) { writer in
      writer.byte(UInt8(ascii: "S"))
      writer.text(name)
    }
  }

  /// Sets a setting to what its client started with, unless it is `unchanged` still, and answers what it is then.
  static func appendRestore(
    _ name: String, to started: [UInt8], unless unchanged: [UInt8], to writer: inout MessageWriter
  ) {
    run(.restore, [Array(name.utf8), started, unchanged], in: &writer)
  }

  /// Bind and Execute of a step, its parameters as text.
  private static func run(_ step: Step, _ parameters: [[UInt8]?] = [], in writer: inout MessageWriter) {
    writer.message(FrontendTag.bind) { writer in
      writer.text("")
      writer.text(step.statementName)
      writer.uint16(0)
      writer.uint16(UInt16(truncatingIfNeeded: parameters.count))
      for parameter in parameters { writer.value(parameter) }
      writer.uint16(0)
    }
    writer.execute(portal: "", maxRows: 0)
  }

  /// Values travel only as parameters: under another client's standard_conforming_strings a literal could escape.
  private static func set(_ setting: SettingsImage.Setting, in writer: inout MessageWriter) {
    run(.set, [Array(setting.name.utf8), setting.value], in: &writer)
  }
}
