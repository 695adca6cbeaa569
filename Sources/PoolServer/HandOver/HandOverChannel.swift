import CLinux
import Glibc

/// What the two processes of a hand-over tell each other, in this order:
/// `bound` (new: it has its configuration and the sockets), `go` (old: the port for probes is free), `ready` (new: it takes
/// clients), then `open N CAP` (old: so many backends it has still, whenever
/// that changes, and the cap) and clients. The old one's end is the end.
enum HandOverWord: Equatable {
  case bound
  case go
  case ready
  case open(Int, cap: Int)
  /// What a client's login has proved (old): the key to a stored verifier.
  case proof(account: [UInt8], clientKey: [UInt8])
  /// An idle client, whose connection comes along.
  case client([UInt8])

  init?(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return nil }
    let rest = bytes.dropFirst()
    switch kind {
    case UInt8(ascii: "b"): self = .bound
    case UInt8(ascii: "g"): self = .go
    case UInt8(ascii: "r"): self = .ready
    case UInt8(ascii: "o"):
      let numbers = String(decoding: rest, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 2, numbers[0] >= 0, numbers[1] > 0 else { return nil }
      self = .open(numbers[0], cap: numbers[1])
    case UInt8(ascii: "p"):
      guard rest.count > 32 else { return nil }
      self = .proof(account: Array(rest.dropFirst(32)), clientKey: Array(rest.prefix(32)))
    case UInt8(ascii: "c"): self = .client(Array(rest))
    default: return nil
    }
  }

  var bytes: [UInt8] {
    switch self {
    case .bound: [UInt8(ascii: "b")]
    case .go: [UInt8(ascii: "g")]
    case .ready: [UInt8(ascii: "r")]
    case .open(let count, let cap): [UInt8(ascii: "o")] + Array("\(count) \(cap)".utf8)
    case .proof(let account, let clientKey): [UInt8(ascii: "p")] + clientKey + account
    case .client(let image): [UInt8(ascii: "c")] + image
    }
  }
}

/// One end of the socket between the two.
struct HandOverChannel: Sendable {
  let fd: Int32

  /// The largest message.
  static let longest = 131_072

  enum Received {
    case word(HandOverWord, descriptor: Int32?)
    case nothing
    /// The other process has ended, or says what no version says.
    case ended
  }

  /// - Parameters:
  ///   - descriptor: goes along, unless it is negative.
  ///   - milliseconds: how long the other process may take to make room.
  func send(_ word: HandOverWord, descriptor: Int32 = -1, waiting milliseconds: Int32 = 0) -> Sent {
    let bytes = word.bytes
    for _ in 0..<10 {
      switch clinux_send_message(fd, bytes, bytes.count, descriptor) {
      case 0: return .sent
      case EAGAIN, ENOBUFS, ENOMEM: break
      default: return .failed
      }
      var entry = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
      guard milliseconds > 0, poll(&entry, 1, milliseconds) > 0 else { return .full }
    }
    return .full
  }

  enum Sent {
    case sent
    /// The other process has not read what was sent before.
    case full
    case failed
  }

  func receive() -> Received {
    var bytes = [UInt8](repeating: 0, count: Self.longest)
    var descriptor: Int32 = -1
    let count = clinux_receive_message(fd, &bytes, bytes.count, &descriptor)
    guard count > 0 else {
      // One that was cut off, for want of descriptors, is lost; those behind it are not.
      switch Int32(truncatingIfNeeded: -count) {
      case EAGAIN, EINTR, EMSGSIZE, ENOMEM, ENOBUFS: return .nothing
      default: return .ended
      }
    }
    guard let word = HandOverWord(Array(bytes.prefix(Int(count)))) else {
      if descriptor >= 0 { close(descriptor) }
      return .ended
    }
    return .word(word, descriptor: descriptor >= 0 ? descriptor : nil)
  }

  /// Waits for that word; false when the other process has ended or said something else, or not within `milliseconds`.
  func awaits(_ word: HandOverWord, milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0, case .word(let said, _) = receive() else { return false }
    return said == word
  }
}

/// How a process of the same command line is started.
package struct Successor: Sendable {
  /// The executable: another one may be in its place by then.
  package var program: String
  package var arguments: [String]
  package var variables: [String: String]

  package init(program: String, arguments: [String], variables: [String: String]) {
    self.program = program
    self.arguments = arguments
    self.variables = variables
  }

  /// - Parameter descriptors: become 3, 4, … of the new process.
  /// - Throws: ``SystemError``.
  func start(_ descriptors: [Int32], named names: [String]) throws(SystemError) -> Int64 {
    var variables = variables
    variables[Inheritance.variable] = names.joined(separator: "\n")
    let pairs = variables.map { "\($0.key)=\($0.value)" }
    func texts(_ list: [String]) -> [CChar] { list.flatMap { Array($0.utf8CString) } }
    let process = clinux_start(
      program, texts(arguments), arguments.count, texts(pairs), pairs.count, descriptors, descriptors.count)
    guard process > 0 else { throw SystemError(call: "posix_spawn", code: Int32(-process)) }
    return process
  }
}
