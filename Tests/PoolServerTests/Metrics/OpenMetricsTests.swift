import PoolCore
import Testing

@testable import PoolServer

@Suite("OpenMetrics text")
struct OpenMetricsTests {
  @Test("a counter's sample ends in _total, a gauge's does not, and the text ends in # EOF")
  func simple() {
    var text = MetricsText(prefix: "p_")
    text.single(.counter, "queries", "Queries.", "3")
    text.single(.gauge, "wait_seconds", "Wait.", unit: .seconds, "1.5")
    #expect(
      text.finished() == """
        # HELP p_queries Queries.
        # TYPE p_queries counter
        p_queries_total 3
        # HELP p_wait_seconds Wait.
        # TYPE p_wait_seconds gauge
        # UNIT p_wait_seconds seconds
        p_wait_seconds 1.5
        # EOF

        """)
  }

  @Test("labels and help escape backslash, quote and line end")
  func escapes() {
    var text = MetricsText(prefix: "")
    text.family(.gauge, "g", "a\\b\nc")
    text.sample(.gauge, "g", [("user", "a\"b\\c\nd"), ("x", "é")], "1")
    #expect(
      text.finished()
        == "# HELP g a\\\\b\\nc\n# TYPE g gauge\ng{user=\"a\\\"b\\\\c\\nd\",x=\"é\"} 1\n# EOF\n")
  }

  @Test(
    "seconds are exact and without exponent",
    arguments: [
      (0, "0.0"), (1, "0.000000001"), (16_000, "0.000016"), (1_500_000_000, "1.5"),
      (120_000_000_000, "120.0"),
    ] as [(UInt64, String)])
  func seconds(nanoseconds: UInt64, text: String) {
    #expect(MetricsText.seconds(nanoseconds: nanoseconds) == text)
  }

  @Test("a histogram's buckets add up, the last is +Inf and equals the count")
  func histogram() {
    var values = Histogram()
    values.record(10_000)
    values.record(20_000)
    values.record(200_000_000_000)
    var text = MetricsText(prefix: "")
    text.histogram("wait_seconds", "Wait.", values)
    let lines = text.finished().split(separator: "\n").map(String.init)
    #expect(lines.contains("wait_seconds_bucket{le=\"0.000016\"} 1"))
    #expect(lines.contains("wait_seconds_bucket{le=\"0.000024\"} 2"))
    #expect(lines.contains("wait_seconds_bucket{le=\"134.217728\"} 2"))
    #expect(lines.contains("wait_seconds_bucket{le=\"+Inf\"} 3"))
    #expect(lines.contains("wait_seconds_count 3"))
    #expect(lines.contains("wait_seconds_sum 200.00003"))
  }

  @Test("what the pool counts and how it stands is there, each family once, each with help and type")
  func pool() {
    var snapshot = PoolSnapshot()
    snapshot.counters.queries = 7
    snapshot.counters.queueRefusals = 2
    snapshot.counters.pins.add(.library)
    snapshot.counters.bytesToServer = 99
    snapshot.waiting = 4
    snapshot.backendsInUse = 85
    snapshot.cap = 85
    snapshot.isServerReachable = true
    let lines = snapshot.openMetrics(of: ProcessFacts()).split(separator: "\n").map(String.init)
    for line in [
      "dbtool_pool_queries_total 7", "dbtool_pool_refusals_total{reason=\"queue_full\"} 2",
      "dbtool_pool_pins_total{reason=\"load\"} 1", "dbtool_pool_pins_total{reason=\"sql_prepare\"} 0",
      "dbtool_pool_forwarded_bytes_total{direction=\"to_server\"} 99",
      "dbtool_pool_client_connections{phase=\"waiting\"} 4", "dbtool_pool_borrow_queue_length 4",
      "dbtool_pool_backends{phase=\"in_use\"} 85", "dbtool_pool_max_backends 85",
      "dbtool_pool_server_reachable 1",
      "dbtool_pool_draining 0", "dbtool_pool_borrow_wait_seconds_count 0",
      "# UNIT dbtool_pool_borrow_wait_seconds seconds", "# TYPE dbtool_build info",
      "dbtool_build_info{version=\"\(PoolServer.version)\"} 1", "process_open_fds 0",
    ] {
      #expect(lines.contains(line))
    }
    #expect(lines.last == "# EOF")
    let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
    let helps = lines.filter { $0.hasPrefix("# HELP ") }.map { $0.split(separator: " ")[2] }
    #expect(Set(types).count == types.count)
    #expect(types == helps)
    #expect(types.allSatisfy { $0.hasPrefix("dbtool_") || $0.hasPrefix("process_") })
  }

  @Test("clients and backends add up to their totals")
  func totals() {
    var snapshot = PoolSnapshot()
    (snapshot.clientsLoggingIn, snapshot.clientsIdle, snapshot.waiting) = (1, 2, 3)
    (snapshot.clientsActive, snapshot.clientsClosing) = (4, 5)
    (snapshot.backendsIdle, snapshot.backendsInUse) = (1, 2)
    (snapshot.backendsConnecting, snapshot.backendsClosing) = (3, 4)
    #expect(snapshot.clients == 15)
    #expect(snapshot.backendsOpen == 10)
  }
}
