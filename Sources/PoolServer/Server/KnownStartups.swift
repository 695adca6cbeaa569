import PoolCore
import PostgresWire

/// A startup packet that has been read, and what follows from its bytes alone.
final class KnownStartup {
  let request: StartupRequest
  let user: String
  /// The clients' name for it.
  let database: String
  /// The user's, see ``Accounts/key(_:)``.
  let account: [UInt8]
  /// What distinguishes applications for ``SequenceHabits``.
  let application: [UInt8]
  fileprivate let packet: [UInt8]
  /// What the packet sets, beside who and where.
  private(set) lazy var image = request.settingsImage

  // Numbers that stay the same for as long as the loop runs, once they are known.
  var identity: IdentityID?
  var habit: Int32?
  /// The image's; one of its uses is this packet's, while it is kept.
  var imageID: ImageID?
  fileprivate(set) var isKept = false

  init(_ request: StartupRequest, packet: [UInt8]) {
    self.request = request
    user = request.user
    database = request.database
    account = Accounts.key(user)
    application =
      Array(user.utf8) + [0] + Array(database.utf8) + [0] + (request.value(of: "application_name") ?? [])
    self.packet = packet
  }
}

/// Startup packets of clients that came in lately. An application sends the same one each time it connects, and to
/// read it anew costs more than to compare it. Nothing that decides who may come in is kept here.
struct KnownStartups {
  /// Each packet has one place, which it shares with others: the last one is kept.
  private var kept = [KnownStartup?](repeating: nil, count: 64)
  private static let longest = 512

  /// The packet at the beginning of `bytes`.
  func find(_ bytes: Span<UInt8>) -> KnownStartup? {
    guard let word = readUInt32(in: bytes, at: 0), word <= Self.longest else { return nil }
    let length = Int(word)
    guard length <= bytes.count, let known = kept[place(of: bytes, length)], known.packet.count == length
    else {
      return nil
    }
    for offset in 0..<length where known.packet[offset] != bytes[offset] { return nil }
    return known
  }

  /// As whom they enter is to be found out anew.
  func forgetIdentities() { for known in kept { known?.identity = nil } }

  /// Returns the one in whose place it comes, which is not kept any more.
  mutating func keep(_ startup: KnownStartup) -> KnownStartup? {
    guard !startup.isKept, startup.packet.count <= Self.longest else { return nil }
    let packet = startup.packet
    let place = place(of: packet.span, packet.count)
    let old = kept[place]
    old?.isKept = false
    kept[place] = startup
    startup.isKept = true
    return old
  }

  /// Source: FNV-1a. Nobody gains by a collision: the packets take turns then.
  private func place(of bytes: Span<UInt8>, _ length: Int) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for offset in 0..<length { hash = (hash ^ UInt64(bytes[offset])) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: (hash >> 32 ^ hash) & UInt64(kept.count - 1))
  }
}

extension StartupRequest {
  /// What the packet sets, beside who and where.
  fileprivate var settingsImage: Result<SettingsImage, StartupOptionsFault> {
    var image = SettingsImage()
    // As at the server, `options` come first and the packet's own parameters win.
    if let options = value(of: "options") {
      switch parseOptions(options) {
      case .success(let parsed): for setting in parsed { image.set(setting.name, setting.value) }
      case .failure(let fault): return .failure(fault)
      }
    }
    for parameter in parameters
    where !["user", "database", "options", "replication"].contains(parameter.name) {
      var value = parameter.value
      // No encoding is agreed on yet. The server keeps of this one what is ASCII (pg_clean_ascii).
      if lowercasedASCII(parameter.name) == "application_name",
        String(validating: value, as: UTF8.self) == nil
      {
        value = value.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
      }
      image.set(parameter.name, value)
    }
    return .success(image)
  }
}
