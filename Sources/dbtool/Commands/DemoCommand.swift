import ArgumentParser
import DatabaseTools
import Migrations

/// `dbtool demo`: the Black Friday problem appears and disappears on a real PostgreSQL.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Shows migrate, seed and pool on a throwaway PostgreSQL.",
    discussion: """
      Starts a PostgreSQL with room for \(DemoPlan.room) application connections, lets all clients connect \
      to it directly, migrates and seeds a shop, starts the pool, and lets the same clients use the shop \
      through it: 60 % catalogue, 20 % inventory, 20 % checkout. Then it compares the stock with the orders. \
      The server is removed at the end. Exit status 1 when a request failed, when there were more backends \
      than there is room, or when stock and orders do not agree.
      """)

  @Option(
    help: ArgumentHelp("How long the load lasts: a number and ms, s, m, h or d.", valueName: "time"))
  var duration = "30s"

  @Option(help: ArgumentHelp("How many client connections.", valueName: "n"))
  var clients = 1600

  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if clients < 1 { throw ValidationError("--clients \(clients): at least one is needed") }
    if clients > 20_000 {
      throw ValidationError("--clients \(clients): 20000 is the most that one address has ports for")
    }
    if (DurationText.milliseconds(duration) ?? 0) == 0 {
      throw ValidationError("--duration \(duration) is no duration: write 30s or 2m")
    }
  }

  func run() throws {
    // First of all, so that every thread leaves the signals to us.
    let signals = TerminationSignals()
    let console = global.console
    let milliseconds = DurationText.milliseconds(duration) ?? 0
    var demo = Demo(
      DemoPlan(clients: clients, duration: .milliseconds(Int64(clamping: milliseconds))), console, signals)
    let outcome = try demo.run()
    if global.json {
      console.result(outcome.json)
    } else {
      console.say("")
      for line in outcome.lines(console.outPaint) { console.result(line) }
    }
    guard outcome.broken.isEmpty else {
      let failure = Failure(
        "the demo did not keep what it promises", related: outcome.broken.map(\.complaint))
      console.raw(failure.text(coloured: console.errPaint.isOn))
      throw ExitCode(failure.exitCode)
    }
  }
}
