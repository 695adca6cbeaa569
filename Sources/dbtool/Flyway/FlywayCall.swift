import DatabaseTools
import Glibc
import LibPQ
import Migrations

/// One call: one or several commands, one after the other, each on a connection of its own as with Flyway, so that
/// nothing of one's session reaches the next; the first error ends it.
struct FlywayCall {
  let line: FlywayCommandLine
  let console: Console

  /// What a command leaves: a document for JSON, and whether it counts as done.
  private struct Result {
    var document: JSONValue
    var status = ExitStatus.done
    /// The document is an error's.
    var hasFailed = false
  }

  func run() -> Int32 {
    var documents: [JSONValue] = []
    var status = ExitStatus.done
    var hasFailed = false
    var dryRun: DryRunScript?
    let watch = SessionWatch(catchesSignals: true)
    do throws(MigrationFailure) {
      let configuration = try MigrationConfiguration.load(
        line.values, environment: ProcessEnvironment.current)
      for warning in configuration.warnings { console.warn(warning) }
      console.say("database: \(configuration.target)")
      dryRun = try DryRunCall.script(configuration.settings, line)
      func open() throws(MigrationFailure) -> MigrationSession {
        try MigrationSession(
          configuration.settings, configuration.target, talk(configuration.settings), dryRun: dryRun,
          watch: watch)
      }
      var session = try open()
      for (index, command) in line.commands.enumerated() {
        // A dry run goes on in the transaction that it reads in.
        if index > 0, dryRun == nil {
          session.connection.close()
          session = try open()
        }
        let result = try perform(command, session, watch)
        documents.append(result.document)
        status = result.status
        hasFailed = result.hasFailed
        if status != ExitStatus.done { break }
      }
      session.connection.close()
      if let dryRun { try DryRunCall.end(dryRun, worked: status == ExitStatus.done, console) }
    } catch {
      dryRun?.discard()
      let error = error.ended(by: watch.interruption)
      let document = MigrationReport.document(error)
      write(document)
      return FlywayFrontend.report(error, console, isFlywayForm: line.isFlywayForm, document)
    }
    // Of several commands with a failure at the end Flyway shows the failure alone.
    let document =
      documents.count == 1 || hasFailed ? documents[documents.count - 1] : MigrationReport.document(documents)
    write(document)
    if console.isJSON { console.result(document.text(pretty: true)) }
    return status
  }

  private func perform(
    _ command: String, _ session: MigrationSession, _ watch: SessionWatch
  ) throws(MigrationFailure) -> Result {
    switch command {
    case "info":
      let result = try session.info()
      if !console.isJSON { show(result) }
      return Result(document: MigrationReport.document(result, session, timestamp: Self.timestamp))
    case "validate":
      let result = try session.validate()
      if !console.isJSON { show(result) }
      return Result(
        document: MigrationReport.document(result, session),
        status: result.isValid ? ExitStatus.done : ExitStatus.failed)
    case "repair":
      let plan = try session.repair()
      if !console.isJSON {
        console.result(plan.actions.isEmpty ? "nothing to repair" : plan.actions.joined(separator: "; "))
      }
      return Result(document: MigrationReport.document(plan, session))
    case "undo":
      let result = try session.undo()
      if session.dryRun != nil {
        DryRunCall.show(result.undone.count, toBe: "undone", console)
      } else if !console.isJSON {
        show(result)
      }
      return Result(document: MigrationReport.document(result, session))
    case "baseline":
      try session.baseline()
      if !console.isJSON { console.result("baselined at version \(session.settings.baselineVersion.text)") }
      return Result(document: MigrationReport.baselineDocument(session))
    case "clean":
      let result = try session.clean()
      if !console.isJSON { show(result) }
      return Result(document: MigrationReport.document(result, session))
    default:
      var result = try session.migrate()
      result.error = result.error?.ended(by: watch.interruption)
      if session.dryRun != nil, result.error == nil {
        DryRunCall.show(result.applied.count, toBe: "applied", console)
      } else {
        show(result)
      }
      return Result(
        document: MigrationReport.document(result, session, timestamp: Self.timestamp),
        status: result.error.map { FlywayFrontend.status(of: $0) } ?? ExitStatus.done,
        hasFailed: result.error != nil)
    }
  }

  // MARK: - Text

  private func show(_ result: InfoResult) {
    if line.wantsIDs {
      console.result(result.lines.compactMap { $0.version?.text }.joined(separator: ","))
      return
    }
    console.result("Schema version: \(result.plan.currentVersion?.text ?? "<< Empty Schema >>")")
    console.result("")
    for row in InfoTable.lines(result.lines, console.outPaint, width: console.outWidth) {
      console.result(row)
    }
  }

  private func show(_ result: ValidateResult) {
    if result.isValid {
      console.result("\(result.count) migrations are valid")
      return
    }
    if let schema = result.missingSchema {
      console.raw(Failure("schema \(schema) doesn't exist yet").text(coloured: console.errPaint.isOn))
    }
    for finding in result.findings {
      let lines = finding.message.split(separator: "\n").map { String($0) }
      // Flyway's last line says what to do.
      let hint = lines.count > 1 ? lines.last : nil
      var failure = Failure(lines.first ?? "", hint: hint, related: Array(lines.dropFirst().dropLast()))
      if !finding.path.isEmpty { failure.place = Failure.Place(file: finding.path) }
      console.raw(failure.text(coloured: console.errPaint.isOn))
    }
  }

  private func show(_ result: MigrateResult) {
    if let error = result.error {
      console.raw(error.failure.text(coloured: console.errPaint.isOn))
      return
    }
    if console.isJSON { return }
    let count = result.applied.count
    let version = result.targetVersion ?? result.initialVersion
    let place = version.map { ", now at version \($0.text)" } ?? ""
    console.result(
      count == 0
        ? "nothing to do\(version.map { ", at version \($0.text)" } ?? "")"
        : "applied \(count) \(count == 1 ? "migration" : "migrations")\(place) (\(SpentTime.text(result.milliseconds)))"
    )
  }

  private func show(_ result: UndoResult) {
    let count = result.undone.count
    let place = result.version.map { ", now at version \($0.text)" } ?? ", nothing is applied now"
    console.result(
      count == 0
        ? "nothing to undo" + (result.version.map { ", at version \($0.text)" } ?? "")
        : "undid \(count) \(count == 1 ? "migration" : "migrations")\(place) (\(SpentTime.text(result.milliseconds)))"
    )
  }

  private func show(_ result: CleanResult) {
    for schema in result.cleaned { console.result("cleaned schema \(schema)") }
    for schema in result.dropped { console.result("dropped schema \(schema)") }
  }

  private func talk(_ settings: MigrationSettings) -> MigrationTalk {
    let console = console
    let status = StatusLine(console)
    let wantsResults = settings.flag("outputQueryResults") && !console.isJSON && console.talk != .quiet
    return MigrationTalk(
      say: status.above { console.say(Self.painted($0, console.errPaint)) },
      warn: status.above { console.warn($0) },
      results: wantsResults ? status.above { Self.show($0, console) } : nil,
      notice: status.above { console.say("\($0.severity.lowercased()): \($0.message)") },
      status: console.isInteractive ? { status.show($0) } : nil, showsStatements: line.isVerbose)
  }

  /// What was done stands out from what is only said.
  private static func painted(_ line: String, _ paint: Paint) -> String {
    for word in ["applied", "undid"] where line.hasPrefix(word + " ") {
      return paint.green(word) + line.dropFirst(word.count)
    }
    return line
  }

  private static func show(_ rows: Rows, _ console: Console) {
    let cells = (0..<rows.count).map { row in rows.columns.indices.map { rows[row, $0] ?? "" } }
    for line in TextTable.lines(rows.columns, cells) { console.result(line) }
  }

  // MARK: - JSON

  /// `outputFile` gets the document, whatever becomes of the call.
  private func write(_ document: JSONValue) {
    guard let path = line.values.values["outputFile"], !path.isEmpty else { return }
    do throws(Failure) { try OutputFile.write(document.text(pretty: true) + "\n", to: path) } catch {
      console.raw(error.text(coloured: console.errPaint.isOn))
    }
  }

  /// Local time without a zone, as Flyway prints it.
  private static var timestamp: String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    localtime_r(&now.tv_sec, &parts)
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    func two(_ number: Int32) -> String { padded(Int(number), 2) }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour))"
      + ":\(two(parts.tm_min)):\(two(parts.tm_sec)).\(padded(Int(now.tv_nsec) / 1_000_000, 3))"
  }
}
