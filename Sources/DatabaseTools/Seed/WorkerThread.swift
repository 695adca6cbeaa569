private import Glibc

/// Runs `body` on a thread of its own.
func startWorker(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  // The box is retained for the thread, which takes the reference over and releases it at its end.
  let argument = Unmanaged.passRetained(Box(body)).toOpaque()
  let status = pthread_create(
    &thread, nil,
    { raw in
      if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
      return nil
    }, argument)
  guard status == 0 else {
    // No thread to be had: the work is done here, one after the other.
    Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
    return
  }
  pthread_detach(thread)
}
