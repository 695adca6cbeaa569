import PoolCore

/// An address of one of the targets, and how that is entered.
struct ServerAddress: Equatable, Sendable {
  let address: SocketAddress
  let target: PoolSettings.Target
  /// `nil`: it is not asked for TLS.
  let tls: TLSContext?

  static func == (one: ServerAddress, other: ServerAddress) -> Bool {
    one.address == other.address && one.target == other.target && one.tls === other.tls
  }

  /// All addresses of the targets, in their order; of those whose names have none, nothing. Blocks while names are
  /// looked up.
  /// - Parameter contexts: one for each target.
  static func resolve(_ targets: [PoolSettings.Target], _ contexts: [TLSContext?]) -> (
    found: [ServerAddress], error: AddressError?
  ) {
    var found: [ServerAddress] = []
    var problem: AddressError?
    // One that is known for a reader is none to write to.
    for (target, tls) in zip(targets, contexts) where target.role != .reader {
      do throws(AddressError) {
        found += try addresses(of: target).map { ServerAddress(address: $0, target: target, tls: tls) }
      } catch {
        problem = error
      }
    }
    return (found, problem)
  }

  private static func addresses(of target: PoolSettings.Target) throws(AddressError) -> [SocketAddress] {
    target.host.hasPrefix("/")
      ? [try SocketAddress(unixPath: "\(target.host)/.s.PGSQL.\(target.port)")]
      : try SocketAddress.resolve(host: target.host, port: target.port)
  }
}

/// What is known of the server, or of those of which one is the writer.
struct ServerState {
  /// Each address that was ever found: backends name theirs by its place here.
  private(set) var known: [ServerAddress] = []
  /// Those that connects go to, by their places in `known`.
  private var current: [Int] = []
  private var next = 0
  /// How many in a row have failed, each at its turn.
  private var failedInRow = 0
  /// The target that has let somebody in last.
  var writer: PoolSettings.Target?
  /// Since when no connect has succeeded; `nil` while the server answers.
  var downSince: Instant?
  /// Whether a login has ever succeeded: that the server answers is not enough to serve anybody.
  var wasReached = false
  /// By target: each may fail in its own way.
  var complaints: [String: RepeatedComplaint] = [:]
  /// The last error of a connect or login, for those who wait.
  var lastError = ""
  /// What the server leaves to ordinary roles; `nil` while it was not asked.
  var ordinaryPlaces: Int?
  var isResolving = false
  /// The targets were changed meanwhile.
  var mustResolveAgain = false
  var probeDue = Instant(nanoseconds: 0)

  /// The targets are at these addresses now.
  mutating func found(_ addresses: [ServerAddress]) {
    let before = current.isEmpty ? nil : known[current[next]]
    current = addresses.map { place(of: $0) }
    next = before.flatMap { before in current.firstIndex { known[$0] == before } } ?? 0
    failedInRow = 0
  }

  /// The address's place in ``known``; another loop may have found it.
  mutating func place(of address: ServerAddress) -> Int {
    if let place = known.firstIndex(of: address) { return place }
    known.append(address)
    return known.count - 1
  }

  /// Where the next connect goes, as a place in ``known``; `nil` when no name has an address.
  var nextPlace: Int? { current.isEmpty ? nil : current[next] }

  /// That address is not where to go: the next connect tries the one behind it, and stays with what answers. Returns
  /// whether there is one that has not failed since the last success.
  mutating func failed(_ place: Int) -> Bool {
    guard place == nextPlace else { return failedInRow > 0 && failedInRow < current.count }
    next = (next + 1) % current.count
    failedInRow += 1
    return failedInRow % current.count != 0
  }

  /// Another loop has found that the target answers.
  mutating func goTo(_ target: PoolSettings.Target) {
    if let place = current.firstIndex(where: { known[$0].target == target }) { next = place }
  }

  mutating func answered() {
    failedInRow = 0
    complaints = [:]
  }
}
