import Foundation
import PoolServer

/// How the pools of tests ask the kernel: as `auto` does, unless a test or `DBTOOL_POOL_IO` of the whole run says
/// otherwise.
enum PoolIO {
  /// `epoll` or `io_uring`, for the pools that are started within.
  @TaskLocal static var chosen: String?

  private static let ofTheRun = ProcessInfo.processInfo.environment["DBTOOL_POOL_IO"]

  /// Event loops; `DBTOOL_POOL_THREADS` of the whole run.
  private static let threads = ProcessInfo.processInfo.environment["DBTOOL_POOL_THREADS"]

  static var variables: [String: String] {
    var variables: [String: String] = [:]
    variables["DBTOOL_POOL_IO"] = chosen ?? ofTheRun
    variables["DBTOOL_POOL_THREADS"] = threads
    return variables
  }

  static let hasRing = PoolServer.hasRing

  /// The way that this run's pools do not take; `nil` where there is only one.
  static let other: String? = hasRing ? (usesRing ? "epoll" : "io_uring") : nil

  private static let usesRing =
    ofTheRun == "io_uring" || ofTheRun != "epoll" && PoolSettings.IO.autoTakesRing
}
