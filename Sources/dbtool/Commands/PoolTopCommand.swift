import ArgumentParser
import DatabaseTools
import Glibc
import Migrations

/// `dbtool pool top`: the status page in a terminal.
struct PoolTopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Shows a running pool in the terminal: backends, clients, waits, who holds and who waits.",
    usage: "dbtool pool top [--url <url>] [--interval <duration>] [--once]",
    discussion: """
      Asks the pool's http_listen, as the configuration names it, for /status.json. On a terminal it draws over itself \
      until q or Ctrl-C; elsewhere it prints a line each time. With --once it prints everything once, with rates over \
      one interval; with --json the document as it is.
      """)

  @Option(
    help: ArgumentHelp(
      "The pool's status endpoint. Default: http_listen of the configuration.", valueName: "url"))
  var url: String?

  @Option(help: ArgumentHelp("How often to ask.", valueName: "duration"))
  var interval = "1s"

  @Flag(help: "Print once and end.")
  var once = false

  /// `--config`, `--http-listen` and the options of all commands, whether they stand before or behind `top`.
  @ParentCommand var pool: PoolCommand

  func run() throws {
    let console = pool.global.console
    let fetch = try endpoint()
    guard let milliseconds = DurationText.milliseconds(interval), (100...3_600_000).contains(milliseconds)
    else {
      throw Failure.usage("--interval takes a duration from 100ms to 1h, not \(interval.quoted)")
    }
    let first = try sample(fetch)
    if console.isJSON { return console.result(first.document) }
    let signals = TerminationSignals()
    if once {
      if pause(milliseconds, signals, hasKeys: false) == .over {
        try show(PoolSampleDifference(before: first, now: sample(fetch)), fetch, console)
      }
    } else if let terminal = TopTerminal() {
      defer { terminal.restore() }
      watch(first, fetch, milliseconds, signals, terminal, console)
    } else {
      try log(first, fetch, milliseconds, signals, console)
    }
    if let signal = signals.next() { throw ExitCode(ExitStatus.signal(signal.number)) }
  }

  // MARK: Three ways to show it

  private func show(_ difference: PoolSampleDifference, _ fetch: StatusFetch, _ console: Console) throws {
    let screen = TopScreen(
      difference: difference, address: fetch.address, width: console.outWidth ?? 120, height: nil,
      paint: console.outPaint)
    for line in screen.lines { console.result(line) }
  }

  private func log(
    _ first: PoolSample, _ fetch: StatusFetch, _ milliseconds: UInt64, _ signals: TerminationSignals,
    _ console: Console
  ) throws {
    var last = first
    while pause(milliseconds, signals, hasKeys: false) == .over {
      let now = try sample(fetch)
      let screen = TopScreen(
        difference: PoolSampleDifference(before: last, now: now), address: fetch.address, width: 200,
        height: nil,
        paint: console.outPaint)
      console.result("\(Timestamp.now)  \(screen.oneLine)")
      last = now
    }
  }

  private func watch(
    _ first: PoolSample, _ fetch: StatusFetch, _ milliseconds: UInt64, _ signals: TerminationSignals,
    _ terminal: TopTerminal, _ console: Console
  ) {
    // Of two samples, so that rates are there from the second drawing on.
    var difference = PoolSampleDifference(before: first, now: first)
    var trouble: Failure?
    var size = TopTerminal.size
    func draw() {
      var lines = TopScreen(
        difference: difference, address: fetch.address, width: size.width, height: size.height - 2,
        paint: console.outPaint
      ).lines
      let foot =
        trouble.map { console.outPaint.red("no answer: \($0.what)") } ?? console.outPaint.dim("q ends")
      lines += ["", foot]
      terminal.draw(Array(lines.suffix(size.height)))
    }
    while true {
      draw()
      wait: while true {
        switch pause(milliseconds, signals, hasKeys: true, size) {
        case .signal, .quit: return
        case .over: break wait
        case .resized:
          size = TopTerminal.size
          draw()
        }
      }
      do throws(Failure) {
        let now = try sample(fetch)
        difference = PoolSampleDifference(before: difference.now, now: now)
        trouble = nil
      } catch {
        trouble = error
      }
    }
  }

  // MARK: Asking

  private func sample(_ fetch: StatusFetch) throws(Failure) -> PoolSample {
    guard let sample = PoolSample(try fetch.body(of: "/status.json")) else {
      throw Failure(
        "\(fetch.address): this is no pool's status", hint: "see http_listen of the pool; --url names it")
    }
    return sample
  }

  /// `--url`, else http_listen as the pool itself would find it: flag, variable, file, default.
  private func endpoint() throws(Failure) -> StatusFetch {
    if let url { return try StatusFetch(url: url) }
    let key = PoolKeys.scalar("http_listen")
    var value = try pool.flags.values()[key.name]
    if value == nil { value = try PoolVariables.values(ProcessEnvironment.current).values[key.name] }
    if value == nil { value = try PoolCommand.document(pool.config)?.scalars()[key.name] }
    let address = value?.plainText ?? key.fallback ?? ""
    guard !address.isEmpty else {
      throw .usage(
        "http_listen is empty: the pool has no status endpoint", hint: "say --url http://HOST:PORT")
    }
    do throws(PoolValueProblem) {
      return StatusFetch(try ListenAddress.hostAndPort(address))
    } catch {
      throw .usage("http_listen \(error.what)", hint: error.hint)
    }
  }

  private enum Pause { case over, quit, signal, resized }

  /// Waits until the time is over or something else is to be done.
  private func pause(
    _ milliseconds: UInt64, _ signals: TerminationSignals, hasKeys: Bool,
    _ size: (width: Int, height: Int)? = nil
  ) -> Pause {
    var left = Int(clamping: milliseconds)
    while left > 0 {
      let step = min(left, 100)
      var waiting = [pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)]
      if hasKeys { waiting.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)) }
      let count = poll(&waiting, nfds_t(waiting.count), Int32(step))
      if waiting[0].revents != 0 { return .signal }
      if hasKeys, waiting[1].revents != 0 {
        var key: UInt8 = 0
        // The terminal has gone.
        guard read(STDIN_FILENO, &key, 1) == 1 else { return .quit }
        if key == UInt8(ascii: "q") || key == UInt8(ascii: "Q") { return .quit }
      }
      if let size, TopTerminal.size != size { return .resized }
      if count == 0 { left -= step }
    }
    return .over
  }
}
