private import Glibc

/// Whether a command can be run, asked before a server is started for it. Source: POSIX shell, "Command Search
/// and Execution": 127 when it is not found, 126 when it is found and cannot be executed.
package enum ProgramSearch {
  package enum Answer: Sendable, Equatable { case found, notExecutable, notFound }

  /// Looks for `program` as `execvp` will: by PATH unless it has a `/` in it.
  package static func look(for program: String, path: String) -> Answer {
    guard !program.isEmpty else { return .notFound }
    guard !program.contains("/") else { return judge(program) }
    var answer = Answer.notFound
    for folder in path.split(separator: ":", omittingEmptySubsequences: false) {
      let candidate = folder.isEmpty ? program : folder + "/" + program
      switch judge(candidate) {
      case .found: return .found
      case .notExecutable: answer = .notExecutable
      case .notFound: continue
      }
    }
    return answer
  }

  private static func judge(_ path: String) -> Answer {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return errno == EACCES ? .notExecutable : .notFound }
    let isFile = facts.st_mode & S_IFMT == S_IFREG
    return isFile && access(path, X_OK) == 0 ? .found : .notExecutable
  }
}
