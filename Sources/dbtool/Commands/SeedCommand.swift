import ArgumentParser
import DatabaseTools

/// `dbtool seed`: rows by a plan, as many as asked for.
struct SeedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed",
    abstract: "Fills products, inventory, users, sessions and orders.",
    discussion: """
      N is a target: afterwards the table holds at least N rows of the plan. Asking again adds nothing, asking for \
      more adds the difference, and rows that are there are never changed. The same seed and the same numbers give \
      the same rows everywhere. Everything happens in one transaction.

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

  @Option(help: ArgumentHelp("The plan.", valueName: "file"))
  var plan = SeedPlanFile.defaultPath

  @Option(help: ArgumentHelp("Fill these tables only, with commas between.", valueName: "tables"))
  var only: String?

  @Option(help: ArgumentHelp("Which of all possible sets of rows. Default: the plan's, 1.", valueName: "s"))
  var randomSeed: UInt64?

  @Flag(help: "Say what would be added, and leave everything as it is.")
  var dryRun = false

  @Option(
    name: .customLong("i-know"),
    help: ArgumentHelp(
      "Seed this database although its name or comment says production.", valueName: "dbname"))
  var acknowledged: String?

  @OptionGroup var target: TargetOptions

  @OptionGroup var global: GlobalOptions

  func run() throws {
    let console = global.console
    let request = SeedRequest(
      rows: try targets(), only: only.map { $0.split(separator: ",").map { String($0) } }, seed: randomSeed,
      isDryRun: dryRun, acknowledged: acknowledged)
    let file = try SeedPlanFile.read(plan)
    let database = try target.resolve(console)
    let status = StatusLine(console)
    let report = try Seeder(file, request).run(
      on: database, watch: SessionWatch(catchesSignals: true), isInteractive: console.isInteractive,
      tell: { status.tell($0) }, notice: status.above { console.detail($0) },
      progress: status.above { table in
        console.detail("\(table.name): \(table.added) \(dryRun ? "to add" : "added"), \(table.kept) kept")
      })
    if global.json {
      console.result(report.json)
    } else {
      for line in report.lines { console.result(line) }
    }
    if dryRun { console.say("dry run: nothing was changed") }
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
