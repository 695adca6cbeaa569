import CLinux
import Glibc

/// What the system tells of this process. Units and names are those that Prometheus' own client libraries use.
struct ProcessFacts: Equatable, Sendable {
  /// User and system time of all threads. Nanoseconds.
  var cpuNanoseconds: UInt64 = 0
  var residentBytes: UInt64 = 0
  var virtualBytes: UInt64 = 0
  var openDescriptors = 0
  /// `nil`: as many as it likes.
  var mostDescriptors: Int?
  /// When it began. Nanoseconds since 1970.
  var startNanoseconds: UInt64 = 0
  /// Now. Nanoseconds since 1970.
  var timeNanoseconds: UInt64 = 0

  /// As it is at this moment. What `/proc` does not tell is 0.
  static var now: ProcessFacts {
    var facts = ProcessFacts()
    facts.cpuNanoseconds = clock(CLOCK_PROCESS_CPUTIME_ID)
    facts.timeNanoseconds = clock(CLOCK_REALTIME)
    facts.readStat(
      text("/proc/self/stat"), boot: text("/proc/stat"), ticksPerSecond: UInt64(sysconf(Int32(_SC_CLK_TCK))),
      pageSize: UInt64(getpagesize()))
    facts.mostDescriptors = mostDescriptors(text("/proc/self/limits"))
    facts.openDescriptors = countDescriptors()
    return facts
  }

  /// CPU time of the calling thread. Nanoseconds.
  static var threadNanoseconds: UInt64 { clock(CLOCK_THREAD_CPUTIME_ID) }

  /// How long it has run. Nanoseconds.
  var uptimeNanoseconds: UInt64 {
    timeNanoseconds > startNanoseconds ? timeNanoseconds - startNanoseconds : 0
  }

  /// - Parameters:
  ///   - stat: `/proc/self/stat`.
  ///   - boot: `/proc/stat`, which says when the system was started.
  ///
  /// Source: proc(5): fields 22 (start, in ticks after the system's own), 23 (bytes) and 24 (pages). The second field
  /// is the program's name in parentheses, which may hold blanks and parentheses.
  mutating func readStat(_ stat: String, boot: String, ticksPerSecond: UInt64, pageSize: UInt64) {
    guard let nameEnd = stat.lastIndex(of: ")") else { return }
    let fields = stat[nameEnd...].split(separator: " ").dropFirst().map { UInt64($0) ?? 0 }
    let bootSeconds = boot.split(separator: "\n").first { $0.hasPrefix("btime ") }
      .flatMap { UInt64($0.dropFirst("btime ".count)) }
    guard fields.count > 21, ticksPerSecond > 0 else { return }
    virtualBytes = fields[20]
    residentBytes = fields[21] &* pageSize
    if let bootSeconds {
      startNanoseconds = bootSeconds &* 1_000_000_000 &+ fields[19] &* (1_000_000_000 / ticksPerSecond)
    }
  }

  /// The soft limit in `/proc/self/limits`; `nil` when there is none.
  static func mostDescriptors(_ limits: String) -> Int? {
    let name = "Max open files"
    let line = limits.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.dropFirst(name.count).split(separator: " ").first.flatMap { Int($0) }
  }

  /// The one that looks is not counted.
  private static func countDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // `.`, `..` and the folder itself.
    return max(0, count - 3)
  }

  private static func text(_ path: String) -> String { (try? TextFile.text(of: path)) ?? "" }

  private static func clock(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
