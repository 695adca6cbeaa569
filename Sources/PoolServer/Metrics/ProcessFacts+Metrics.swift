extension ProcessFacts {
  /// The families that every exporter of a process has, and which program this is.
  /// Source: Prometheus, "Writing client libraries", "Process metrics".
  func write(to text: inout MetricsText) {
    text.prefix = "dbtool_"
    text.family(.info, "build", "Which dbtool this is.")
    text.sample(.info, "build", [("version", PoolServer.version)], "1")
    text.prefix = "process_"
    text.single(
      .counter, "cpu_seconds", "CPU time of all threads, user and system.", unit: .seconds,
      MetricsText.seconds(nanoseconds: cpuNanoseconds))
    text.single(
      .gauge, "start_time_seconds", "When the process began, since 1970.", unit: .seconds,
      MetricsText.seconds(nanoseconds: startNanoseconds))
    text.single(
      .gauge, "resident_memory_bytes", "Memory in RAM.", unit: .bytes, String(residentBytes))
    text.single(
      .gauge, "virtual_memory_bytes", "Memory asked for.", unit: .bytes, String(virtualBytes))
    text.single(.gauge, "open_fds", "Open file descriptors.", String(openDescriptors))
    if let mostDescriptors {
      text.single(.gauge, "max_fds", "File descriptors that may be open.", String(mostDescriptors))
    }
  }
}
