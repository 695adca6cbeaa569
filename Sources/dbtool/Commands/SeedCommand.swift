import ArgumentParser
import DatabaseTools
import Glibc

/// `dbtool seed`: rows by a plan, as many as asked for.
struct SeedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed",
    abstract: "Fills products, inventory, users, sessions and orders.",
    discussion: """
      N is a target: afterwards the table holds at least N rows of the plan. Asking again adds nothing, asking for \
      more adds the difference, and rows that are there are never changed. The same seed and the same numbers give \
      the same rows everywhere. Everything happens in one transaction, unless --jobs says otherwise. The plan's form is \
      in docs/seed.md.

      Example: dbtool seed --products 1000 --orders 5000
      """)

  @Option(help: ArgumentHelp("How many products, with inventory. Default: the plan's, 100.", valueName: "n"))
  var products: Int?

  @Option(help: ArgumentHelp("How many users. Default: the plan's, 1000.", valueName: "n"))
  var users: Int?

  @Option(help: ArgumentHelp("How many sessions. Default: the plan's, 1000.", valueName: "n"))
  var sessions: Int?

  @Option(help: ArgumentHelp("How many orders, with lines. Default: the plan's, 0.", valueName: "n"))
  var orders: Int?

  @Option(
    help: ArgumentHelp(
      "How many rows of any table of the plan; may be given several times.", valueName: "table=n"))
  var rows: [String] = []

  @Option(help: ArgumentHelp("The plan. Default: seeds/shop.toml.", valueName: "file"))
  var plan: String?

  @Option(help: ArgumentHelp("Fill these tables only, with commas between.", valueName: "tables"))
  var only: String?

  @Option(help: ArgumentHelp("Which of all possible sets of rows. Default: the plan's, 1.", valueName: "s"))
  var randomSeed: UInt64?

  @Option(
    help: ArgumentHelp("Row counts, seed and clock of profiles/NAME.toml beside the plan.", valueName: "name")
  )
  var profile: String?

  @Option(
    help: ArgumentHelp(
      "How many sessions load at once. With more than one, large loads are committed piece by piece.",
      valueName: "n"))
  var jobs = 1

  @Flag(help: "Say what would be added, and leave everything as it is.")
  var dryRun = false

  @Flag(help: "Compare the rows that are there with the plan's; the exit status is 1 when they differ.")
  var verify = false

  @Flag(help: "Delete the plan's rows, and no others.")
  var reset = false

  @Flag(help: "Write a first plan for the database's tables, to stdout or to the file that --plan names.")
  var `init` = false

  @Option(help: ArgumentHelp("Where rows go: database, or csv, sql, jsonl files.", valueName: "format"))
  var format = "database"

  @Option(help: ArgumentHelp("The folder of the files. Default: stdout.", valueName: "dir"))
  var output: String?

  @Option(
    name: .customLong("i-know"),
    help: ArgumentHelp(
      "Seed this database although its name or comment says production.", valueName: "dbname"))
  var acknowledged: String?

  @OptionGroup var target: TargetOptions

  @OptionGroup var global: GlobalOptions

  func run() throws {
    let console = global.console
    if self.`init` { return try draft(console) }
    let task = try task()
    let request = SeedRequest(
      task, rows: try targets(), only: only.map { $0.split(separator: ",").map { String($0) } },
      seed: randomSeed,
      jobs: jobs, acknowledged: acknowledged)
    let file = try SeedPlanFile.read(plan ?? SeedPlanFile.defaultPath, profile: profile)
    let status = StatusLine(console)
    let bar = SeedBar(status, console)
    let telling = Seeder.Telling(
      table: { table in
        status.show(nil)
        console.say("\(table.name): \(table.added) \(dryRun ? "to add" : "added"), \(table.kept) kept")
      }, progress: { bar.show($0) })
    if let format = try fileFormat(task) {
      let report = try SeedFiles(file, request, format).write(to: output, telling: telling)
      status.show(nil)
      let console = output == nil ? console.withoutOut : console
      show(.loaded(report), console)
      return
    }
    let database = try target.resolve(console)
    let outcome = try Seeder(file, request).perform(
      on: database, watch: SessionWatch(catchesSignals: true), isInteractive: console.isInteractive,
      tell: { status.tell($0) }, notice: status.above { console.detail($0) }, telling: telling)
    status.show(nil)
    show(outcome, console)
    if dryRun { console.say("dry run: nothing was changed") }
    if case .verified(let report) = outcome, !report.isEqual {
      console.say("the rows are not those that the plan makes")
      throw ExitCode(ExitStatus.failed)
    }
  }

  /// Writes a first plan.
  private func draft(_ console: Console) throws {
    if dryRun || verify || reset || format != "database" {
      throw Failure.usage("--init writes a plan; it goes without --dry-run, --verify, --reset and --format")
    }
    if let plan, access(plan, F_OK) == 0 {
      throw Failure.usage("\(plan) is there already", hint: "name another file, or take it away first")
    }
    let text = try SchemaReading.draft(on: try target.resolve(console))
    guard let plan else { return Console.write(text, to: STDOUT_FILENO) }
    let descriptor = open(plan, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw Failure("\(plan) cannot be written: \(String(cString: strerror(errno)))")
    }
    Console.write(text, to: descriptor)
    guard close(descriptor) == 0 else { throw Failure("\(plan) cannot be written") }
    console.say("wrote \(plan); try it: dbtool seed --plan \(plan) --dry-run")
  }

  private func show(_ outcome: Seeder.Outcome, _ console: Console) {
    if global.json {
      console.result(outcome.json)
    } else {
      for line in outcome.lines { console.result(line) }
    }
  }

  private func task() throws(Failure) -> SeedRequest.Task {
    guard [dryRun, verify, reset].count(where: { $0 }) <= 1 else {
      throw .usage("--dry-run, --verify and --reset exclude each other")
    }
    guard (1...64).contains(jobs) else { throw .usage("--jobs \(jobs): there can be 1 to 64 sessions") }
    return dryRun ? .dryRun : verify ? .verify : reset ? .reset : .load
  }

  /// Nil for the database.
  private func fileFormat(_ task: SeedRequest.Task) throws(Failure) -> SeedFiles.Format? {
    if format == "database" {
      if output != nil { throw .usage("--output is for files", hint: "add --format csv, sql or jsonl") }
      return nil
    }
    guard let found = SeedFiles.Format(rawValue: format) else {
      throw .usage("there is no format \(format)", hint: "there is database, csv, sql and jsonl")
    }
    guard task == .load else {
      throw .usage("--format \(format) writes files; it goes without --\(Self.name(of: task))")
    }
    return found
  }

  private static func name(of task: SeedRequest.Task) -> String {
    switch task {
    case .load: "load"
    case .dryRun: "dry-run"
    case .verify: "verify"
    case .reset: "reset"
    }
  }

  /// The row counts that the options ask for, by table.
  private func targets() throws(Failure) -> [String: Int] {
    var targets: [String: Int] = [:]
    for (table, count) in [
      ("products", products), ("users", users), ("sessions", sessions), ("orders", orders),
    ] {
      if let count { targets[table] = count }
    }
    for assignment in rows {
      guard let sign = assignment.lastIndex(of: "="), sign != assignment.startIndex,
        let count = Int(assignment[assignment.index(after: sign)...])
      else { throw .usage("--rows \(assignment) is not of the form TABLE=N") }
      let table = String(assignment[..<sign])
      if let other = targets[table], other != count {
        throw .usage("\(table) has two different row counts, \(other) and \(count)")
      }
      targets[table] = count
    }
    for (table, count) in targets where count < 0 {
      throw .usage("\(table) cannot have \(count) rows")
    }
    return targets
  }
}
