import Glibc

/// Runs `body` on a thread of its own, detached.
package func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  // Invariant: the box is retained for the thread, which takes the reference over and releases it at its end.
  let argument = Unmanaged.passRetained(Box(body)).toOpaque()
  let status = pthread_create(
    &thread, nil,
    { raw in
      if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
      return nil
    }, argument)
  guard status == 0 else {
    Unmanaged<Box>.fromOpaque(argument).release()
    fatalError("cannot start a thread: \(String(cString: strerror(status)))")
  }
  pthread_detach(thread)
}
