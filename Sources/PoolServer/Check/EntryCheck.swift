import Glibc
import PoolCore
import Synchronization

/// What became of one try to enter the server as a user, the pool's own way.
package enum EntryOutcome: Equatable, Sendable {
  /// - Parameter ordinary: connections that the server leaves to ordinary roles.
  case entered(isEncrypted: Bool, version: String, ordinary: Int)
  /// Only a SCRAM verifier is known, and the server asks for a proof: a client's login brings the key.
  case needsClient
  case refused(sqlState: String?, reason: String, hint: String?)
  /// There is no such user.
  case unknownUser
  /// There is no slot yet; to be asked again.
  case notYet
}

/// What `auth_query` said.
package enum LookupOutcome: Equatable, Sendable {
  case found
  /// The words are for people.
  case nobody(String)
  case failed(String)
}

/// For `dbtool pool check`: a pool without listeners tries what it would have to do.
extension RunningPool {
  /// Enters the server's database as a user, and leaves. Waits for the outcome.
  package func enter(_ user: String, _ database: String, within milliseconds: Int) -> EntryOutcome {
    for _ in 0..<max(1, milliseconds / 50) {
      let outcome: EntryOutcome? = wait(milliseconds) { answer in
        .enter(user: user, database: database, answer: answer)
      }
      guard outcome == .notYet else {
        return outcome ?? .refused(sqlState: nil, reason: "no answer within \(milliseconds) ms", hint: nil)
      }
      usleep(50_000)
    }
    return .refused(sqlState: nil, reason: "the server has no connection left", hint: nil)
  }

  /// Asks `auth_query` for a user, as for a client that wants this database. Waits for the answer.
  package func lookUp(_ user: String, _ database: String, within milliseconds: Int) -> LookupOutcome {
    let answer: LookupAnswer? = wait(milliseconds) { answer in
      .lookUp(user: user, database: database, answer: answer)
    }
    switch answer {
    case .found: return .found
    case .nobody(let reason): return .nobody(reason)
    case .failed(let reason): return .failed(reason)
    case nil: return .failed("no answer within \(milliseconds) ms")
    }
  }

  private func wait<Answer: Sendable>(
    _ milliseconds: Int, _ message: (@escaping @Sendable (Answer) -> Void) -> LoopMessage
  ) -> Answer? {
    let box = AnswerBox<Answer>()
    parts.team.post(message { answer in box.value.withLock { $0 = answer } }, to: 0)
    for _ in 0..<milliseconds {
      if let answer = box.value.withLock({ $0 }) { return answer }
      usleep(1_000)
    }
    return nil
  }
}

/// Where the loop puts an answer for the thread that waits for it.
private final class AnswerBox<Answer: Sendable>: Sendable {
  let value = Mutex<Answer?>(nil)
}

extension PoolServer {
  /// The names in `auth_file`; none when there is no such key.
  package static func listedUsers(_ settings: PoolSettings) throws(AccessFileError) -> [String] {
    settings.authFile.isEmpty ? [] : try PoolLoop.users(in: settings.authFile).map(\.name)
  }
}
