private import CLinux
private import Glibc

/// A child that the kernel stops when this process ends, however it ends. Reaped by itself; safe from any thread.
///
/// `@unchecked Sendable`: the C side guards what changes with a mutex, and a number is signalled only while it
/// is still the child's.
package final class ChildProcess: @unchecked Sendable {
  /// What is to be run, and how.
  package struct Description: Sendable {
    /// A path, or a name that is looked for in PATH.
    package var program: String
    /// The words after the program's name.
    package var arguments: [String]
    package var environment: [String: String]
    /// The folder it starts in; nil is ours.
    package var folder: String?
    /// Who it runs as; nil is us.
    package var user: SystemUser?
    /// Away from the terminal, in a session of its own, both outputs into this descriptor; nil inherits all.
    package var output: Int32?
    /// What the kernel sends it when we end.
    package var deathSignal: Int32

    package init(
      program: String, arguments: [String] = [], environment: [String: String], folder: String? = nil,
      user: SystemUser? = nil, output: Int32? = nil, deathSignal: Int32 = SIGKILL
    ) {
      self.program = program
      self.arguments = arguments
      self.environment = environment
      self.folder = folder
      self.user = user
      self.output = output
      self.deathSignal = deathSignal
    }
  }

  /// Why a child could not be started, with `errno`.
  package enum StartFailure: Error, Sendable, Equatable {
    /// No process, thread or descriptor to be had.
    case resources(Int32)
    /// The change of user was refused.
    case stepDown(Int32)
    /// The folder cannot be entered.
    case folder(Int32)
    /// The program is not there, or cannot be executed.
    case program(Int32)

    package var code: Int32 {
      switch self {
      case .resources(let code), .stepDown(let code), .folder(let code), .program(let code): code
      }
    }

    /// The system's words.
    package var reason: String { String(cString: strerror(code)) }
  }

  private let child: OpaquePointer

  package init(starting description: Description) throws(StartFailure) {
    child = clinux_child_new(description.program)
    clinux_child_add_argument(child, description.program)
    for argument in description.arguments { clinux_child_add_argument(child, argument) }
    for (name, value) in description.environment { clinux_child_add_variable(child, "\(name)=\(value)") }
    if let folder = description.folder { clinux_child_set_folder(child, folder) }
    if let user = description.user { clinux_child_set_user(child, user.id, user.group) }
    if let output = description.output { clinux_child_set_detached(child, output) }
    clinux_child_set_death_signal(child, description.deathSignal)
    var code: Int32 = 0
    switch Int(clinux_child_start(child, &code)) {
    case CLINUX_CHILD_STARTED: return
    case CLINUX_CHILD_NO_STEP_DOWN: throw .stepDown(code)
    case CLINUX_CHILD_NO_FOLDER: throw .folder(code)
    case CLINUX_CHILD_NO_PROGRAM: throw .program(code)
    default: throw .resources(code)  // CLINUX_CHILD_NO_RESOURCES; C's enum is an open set to Swift
    }
  }

  /// Waits for the child's end: whoever drops the last reference has told it to end before.
  deinit { clinux_child_free(child) }

  package var pid: Int32 { clinux_child_pid(child) }

  /// Becomes readable when the child has ended; for `poll`.
  package var endDescriptor: Int32 { clinux_child_end_descriptor(child) }

  /// The exit status as a shell counts it, 128 + n for signal n; nil while the child runs.
  package var exitStatus: Int32? {
    var status: Int32 = 0
    guard clinux_child_has_ended(child, &status) else { return nil }
    // Source: wait(2): the low seven bits are the signal, the next byte the status.
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : ExitStatus.signal(signal)
  }

  /// Sends a signal; nothing happens when the child has ended.
  package func send(_ signal: Int32) { clinux_child_signal(child, signal) }

  /// Waits at most so long for the end.
  /// - Returns: whether it has ended.
  package func waitForEnd(atMost limit: Duration) -> Bool {
    let deadline = ContinuousClock.now + limit
    while true {
      let left = (deadline - .now) / .milliseconds(1)
      var end = pollfd(fd: endDescriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&end, 1, left <= 0 ? 0 : Int32(min(left + 1, 1_000_000_000)))
      if ready > 0 { return true }
      if ready == 0 && left <= 0 { return exitStatus != nil }
    }
  }
}
