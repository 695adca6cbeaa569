import PoolCore
import PostgresWire

/// A user's password and, for a while, the one before it.
struct Credential {
  private(set) var current: StoredPassword
  private(set) var previous: StoredPassword?
  /// Of plain passwords, once they were asked for: 2.4 ms of CPU each.
  private var currentVerifier: ScramVerifier?
  private var previousVerifier: ScramVerifier?
  /// What the passwords, if they are plain, became at the server, so that not each new backend costs 2.4 ms again. Gone
  /// with the passwords.
  private var currentKeys: DerivedKeys?
  private var previousKeys: DerivedKeys?
  private var changedAt = Instant(nanoseconds: 0)
  /// Whether the server has taken the current one since it changed.
  private var hasEntered = false
  /// The server has refused the current one and taken the previous: it is tried first.
  private(set) var prefersPrevious = false
  /// Whether the server has ever let the user in, so that a refusal may be a change under way.
  private(set) var hasEverEntered = false
  /// Since when the server refuses; `nil` while it does not.
  private var refusedSince: Instant?

  init(_ password: StoredPassword) { current = password }

  var isEmpty: Bool { current == .plain("") }

  // MARK: Changes

  /// A new password was read. The one before it counts on, see ``expirePrevious(at:atLeast:byTimeOnly:)``.
  mutating func change(to password: StoredPassword, at now: Instant) {
    guard password != current else { return }
    previous = current
    previousVerifier = currentVerifier
    previousKeys = currentKeys
    current = password
    currentVerifier = nil
    currentKeys = nil
    changedAt = now
    hasEntered = false
    prefersPrevious = false
    refusedSince = nil
  }

  /// Clients have the old password for as long as the server may: until the server has taken the new one, but
  /// `milliseconds` at least, since not all are told at once, and an hour at most.
  /// - Parameter byTimeOnly: the server has a password of its own, which says nothing about this one.
  mutating func expirePrevious(at now: Instant, atLeast milliseconds: UInt64, byTimeOnly: Bool) {
    guard previous != nil, !prefersPrevious else { return }
    let age = now.milliseconds(since: changedAt)
    guard age >= milliseconds, hasEntered || byTimeOnly || age >= Self.longestOverlap else { return }
    previous = nil
    previousVerifier = nil
    previousKeys = nil
  }

  private static var longestOverlap: UInt64 { 3_600_000 }

  // MARK: At the server

  /// What the server is shown first, and second.
  var choices: [StoredPassword] {
    guard let previous else { return [current] }
    return prefersPrevious ? [previous, current] : [current, previous]
  }

  /// Keys that are known of a choice.
  func keys(ofChoice choice: Int) -> [DerivedKeys] {
    let isCurrent = (choice == 0) != prefersPrevious
    return [isCurrent ? currentKeys : previousKeys].compactMap(\.self)
  }

  /// The server has proved that it knows the password, and so that these keys are the right ones.
  mutating func learn(_ keys: DerivedKeys, ofChoice choice: Int) {
    if (choice == 0) != prefersPrevious { currentKeys = keys } else { previousKeys = keys }
  }

  mutating func entered(byChoice choice: Int) {
    hasEverEntered = true
    refusedSince = nil
    if choice > 0 { prefersPrevious.toggle() }
    if !prefersPrevious { hasEntered = true }
  }

  /// The server refuses all choices. Returns whether that may pass: it took one before, and has refused for less
  /// than `milliseconds`.
  mutating func refused(at now: Instant, patience milliseconds: UInt64) -> Bool {
    guard hasEverEntered else { return false }
    let since = refusedSince ?? now
    refusedSince = since
    return now.milliseconds(since: since) < milliseconds
  }

  // MARK: Verifiers

  /// What clients' proofs are compared with; `nil` for an md5 hash, from which none can be made.
  mutating func verifier(salt: @autoclosure () -> [UInt8]) -> ScramVerifier? {
    if currentVerifier == nil { currentVerifier = Self.verifier(of: current, salt: salt()) }
    return currentVerifier
  }

  mutating func olderVerifier(salt: @autoclosure () -> [UInt8]) -> ScramVerifier? {
    if previousVerifier == nil, let previous {
      previousVerifier = Self.verifier(of: previous, salt: salt())
    }
    return previousVerifier
  }

  /// One that was computed elsewhere.
  mutating func adopt(_ verifier: ScramVerifier, of password: String) {
    if current == .plain(password), currentVerifier == nil { currentVerifier = verifier }
  }

  static func verifier(of password: StoredPassword, salt: [UInt8]) -> ScramVerifier? {
    switch password {
    case .plain(let text): try? ScramVerifier(password: text, salt: salt, hash: .openSSL)
    case .scram(let verifier): verifier
    case .md5: nil
    }
  }

  /// The md5 hashes that clients' answers are compared with, newest first; none where only a verifier is known.
  func md5Hashes(user: String) -> [String] {
    [current, previous].compactMap { password in
      switch password {
      case .plain(let text): md5Hex(Array(text.utf8) + Array(user.utf8))
      case .md5(let hash): hash
      case .scram, nil: nil
      }
    }
  }
}
