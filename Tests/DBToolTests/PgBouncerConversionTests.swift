import DatabaseTools
import PoolServer
import Testing

@testable import dbtool

@Suite("A pgbouncer.ini becomes a dbtool.toml") struct PgBouncerConversionTests {
  private func conversion(_ text: String) throws(Failure) -> PgBouncerConversion {
    try PgBouncerConversion(IniFile(text, path: "/etc/pgbouncer/pgbouncer.ini"))
  }

  private func settings(_ text: String) throws -> PoolSettings {
    try PoolConfiguration(flags: [:], environment: [:], document: conversion(text).document()).settings
  }

  private func failure(_ text: String) -> Failure? {
    do {
      _ = try conversion(text)
      return nil
    } catch {
      return error
    }
  }

  private static let shop = """
    ; the shop's
    [databases]
    shop = host=db.internal port=5433 dbname=shop_v2 pool_size=30
    "re ports" = host=db.internal port=5433 pool_mode=session

    [pgbouncer]
    listen_addr = 127.0.0.1, ::1
    listen_port = 6543
    unix_socket_dir = /run/pgbouncer
    auth_type = scram-sha-256
    auth_file = /etc/pgbouncer/userlist.txt
    pool_mode = transaction
    max_client_conn = 2000
    default_pool_size = 20
    reserve_pool_size = 5
    query_wait_timeout = 3
    server_idle_timeout = 60.5
    tcp_user_timeout = 5000
    client_tls_sslmode = require
    client_tls_cert_file = /etc/pgbouncer/pool.crt
    client_tls_key_file = /etc/pgbouncer/pool.key
    server_tls_sslmode = verify-full
    server_tls_ca_file = /etc/ssl/db.pem
    ignore_startup_parameters = extra_float_digits
    server_reset_query = DISCARD ALL
    disable_pqexec = 1
    """

  @Test("each key with a counterpart is there, each other one is a comment that says why it is not")
  func text() throws {
    #expect(
      try conversion(Self.shop).text == """
        # Made from /etc/pgbouncer/pgbouncer.ini by dbtool pool check --convert.
        # docs/pool.md says what each key means; dbtool pool check tries them.

        [pool]
        listen = ["127.0.0.1:6543", "[::1]:6543", "unix:/run/pgbouncer"]
        auth_file = "/etc/pgbouncer/userlist.txt"
        max_client_connections = 2000
        borrow_timeout = "3s"
        server_idle_timeout = "60.5s"
        tcp_user_timeout = "5000ms"
        pool_mode = "transaction"
        max_connections = 60   # all pools of PgBouncer together, for one user in each database

        [pool.tls]
        mode = "require"
        cert_file = "/etc/pgbouncer/pool.crt"
        key_file = "/etc/pgbouncer/pool.key"

        [[pool.targets]]
        host = "db.internal"
        port = 5433
        sslmode = "verify-full"
        ca_file = "/etc/ssl/db.pem"

        [[pool.databases]]
        name = "shop"
        target_database = "shop_v2"

        [[pool.databases]]
        name = "re ports"
        pool_mode = "session"

        # Different from PgBouncer:
        # disable_pqexec = 1: several statements in one query are served
        # default_pool_size = 20: PgBouncer opens so many for each user in each database; max_connections is one cap over all

        # Not needed here:
        # ignore_startup_parameters = extra_float_digits: all settings are taken, and follow their client
        # server_reset_query = DISCARD ALL: a backend is cleaned before another client gets it

        """)
  }

  @Test("what is printed is a configuration, with what the ini meant")
  func meaning() throws {
    // Without its certificates, which are not here.
    let plain = Self.shop.split(separator: "\n").filter { !$0.contains("tls") }.joined(separator: "\n")
    let settings = try settings(plain)
    #expect(settings.listeners.count == 3)
    #expect(settings.borrowTimeout == 3_000)
    #expect(settings.serverIdleTimeout == 60_500)
    #expect(settings.tcpUserTimeout == 5_000)
    #expect(settings.maxConnections == 60)
    #expect(settings.target.host == "db.internal")
    #expect(settings.databases.map(\.target) == ["shop_v2", "re ports"])
    #expect(settings.databases[1].mode == .session)
  }

  @Test("PgBouncer's own defaults are kept where they matter: session mode, 20 connections, the Unix socket")
  func defaults() throws {
    let settings = try settings("[databases]\n* = host=db\n[pgbouncer]\nauth_file = users\n")
    #expect(settings.poolMode == .session)
    #expect(settings.maxConnections == 20)
    #expect(settings.listeners == [.unix(folder: "/tmp", port: 6432)])
    #expect(settings.databases.isEmpty)
    #expect(settings.authFile == "/etc/pgbouncer/users")
  }

  @Test(
    "what would be different is said",
    arguments: [
      ("pool_mode = statement", "pool_mode = statement", "transactions of several statements are served"),
      ("auth_type = pam", "auth_type = pam", "it is not served; clients log in by"),
      ("auth_type = trust", "auth_type = trust", "nobody comes in without a password"),
      ("server_lifetime = 0", "server_lifetime = 0", "0 turns the limit off here"),
      ("max_prepared_statements = 0", "max_prepared_statements = 0", "always follow their client"),
      ("listen_port = x", "", ""), ("frobnicate = 1", "frobnicate = 1", "PgBouncer has no such key"),
      ("peer_id = 4000", "peer_id = 4000", "pool_id must be from 0 to 511"),
      ("[users]\nbob = pool_mode=session", "pool_mode=session of user bob", "write [[pool.users]] with name"),
      ("[databases]\nother = host=elsewhere", "database other", "it is at another server, elsewhere:5432"),
      ("[databases]\nb = host=db password=secret", "password=… of database b", "server_password_file"),
      ("[oddities]\na = b", "[oddities]", "PgBouncer has no such section"),
    ])
  func differences(line: String, what: String, why: String) throws {
    let found = try conversion("[databases]\na = host=db\n[pgbouncer]\n\(line)\n")
    guard !what.isEmpty else { return }
    let difference = found.differences.first { $0.what == what }
    #expect(difference?.why.contains(why) == true, "\(found.differences)")
    #expect(found.text.contains("# \(what): "))
    #expect(!found.text.contains("secret"))
  }

  @Test("several hosts become several targets, peers become peers")
  func servers() throws {
    let settings = try settings(
      """
      [databases]
      * = host=a.internal,b.internal port=5433 connect_query='SET work_mem = ''8MB'''
      [pgbouncer]
      auth_file = users
      peer_id = 1
      [peers]
      1 = host=/run/one
      2 = host=other.internal port=6433
      """)
    #expect(settings.targets.map(\.host) == ["a.internal", "b.internal"])
    #expect(settings.initQuery == "SET work_mem = '8MB'")
    #expect(settings.peers.map(\.host) == ["other.internal"])
  }

  @Test(
    "values with quotes, backslashes and control characters stay what they are, and comments stay comments")
  func hostile() throws {
    let text =
      "[databases]\n\"a\"\"b\\c\" = host=db\n[pgbouncer]\nauth_file = u\"s\\er\u{1}s\nlogfile = a\u{1}b\n"
    let settings = try settings(text)
    #expect(settings.databases.first?.name == "a\"b\\c")
    #expect(settings.authFile == "/etc/pgbouncer/u\"s\\er\u{1}s")
  }

  @Test(
    "what cannot be read is told with its line",
    arguments: [
      ("[databases", 1), ("a = b", 1), ("[pgbouncer]\nnothing", 2), ("[databases]\na = host", 2),
      ("[databases]\na = host='db", 2), ("[pgbouncer]\n%include other.ini", 2),
    ])
  func unreadable(text: String, line: Int) {
    #expect(failure(text)?.place == Failure.Place(file: "/etc/pgbouncer/pgbouncer.ini", line: line))
  }

  @Test("without databases there is nothing to convert")
  func empty() {
    #expect(failure("[pgbouncer]\npool_mode = session\n")?.what.hasSuffix("has no [databases]") == true)
  }

  @Test("no key is said to become one that there is not")
  func targets() {
    for fate in PgBouncerKeys.main.values {
      switch fate {
      case .same(let name), .seconds(let name), .milliseconds(let name):
        #expect(PoolKeys.scalars.contains { $0.name == name }, "\(name)")
      case .together, .needless, .different: break
      }
    }
  }
}
