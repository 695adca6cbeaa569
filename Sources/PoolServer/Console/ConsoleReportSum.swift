import PoolCore
import Synchronization

/// What several loops tell the console, together.
final class ConsoleReportSum: Sendable {
  private struct State {
    var missing: Int
    var sum = ConsoleReport()
  }

  private let state: Mutex<State>

  init(of loops: Int) { state = Mutex(State(missing: loops)) }

  /// - Returns: the sum, when this was the last one.
  func add(_ report: ConsoleReport) -> ConsoleReport? {
    state.withLock { state in
      state.missing -= 1
      state.sum.add(report)
      return state.missing == 0 ? state.sum : nil
    }
  }
}

extension LoopTeam {
  /// Asks all loops; one that has ended has nothing to tell.
  func consoleReports(_ needs: ConsoleNeeds, _ answer: @escaping @Sendable (ConsoleReport) -> Void) {
    let sum = ConsoleReportSum(of: count)
    for loop in mailboxes.indices {
      let add: @Sendable (ConsoleReport) -> Void = { report in sum.add(report).map(answer) }
      if !postUnlessEnded(.consoleReport(needs, add), to: loop) { add(ConsoleReport()) }
    }
  }
}
