import DatabaseTools
import LibPQ
import Migrations
import PoolServer
import StorefrontLoad

/// The demo's database on its throwaway server: the superuser's side of the story.
struct DemoDatabase {
  /// The shop's database, entered as superuser.
  let target: DatabaseTarget
  /// The application role's password: random, never shown.
  let password: String
  private let connection: Connection

  /// Creates the database and the application's role.
  init(on server: DatabaseTarget) throws(Failure) {
    password = secureRandomBytes(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    let admin = try server.connect(applicationName: "dbtool demo")
    defer { admin.close() }
    do throws(ServerError) {
      try admin.execute("CREATE DATABASE \(DemoPlan.database)")
      try admin.execute("CREATE ROLE \(DemoPlan.role) LOGIN PASSWORD '\(password)'")
    } catch {
      throw Failure(error)
    }
    var target = server
    target.database = DemoPlan.database
    self.target = target
    connection = try target.connect(applicationName: "dbtool demo")
  }

  func close() { connection.close() }

  // MARK: - Setting up

  /// Applies the migrations of the folder. Returns how many there were.
  func migrate(_ folders: DemoFolders, _ console: Console) throws(Failure) -> Int {
    var values = SettingValues()
    values["workingDirectory"] = folders.root
    values["locations"] = "filesystem:migrations"
    let talk = MigrationTalk(
      say: { console.detail($0) }, warn: { console.warn($0) }, notice: { console.detail($0.message) })
    do throws(MigrationFailure) {
      let settings: MigrationSettings
      do throws(MigrationError) { settings = try MigrationSettings(values) } catch {
        throw MigrationFailure(error)
      }
      let session = try MigrationSession(settings, target, talk)
      defer { session.connection.close() }
      let result = try session.migrate()
      if let error = result.error { throw error }
      return result.applied.count
    } catch {
      throw error.failure
    }
  }

  /// Fills the shop by the folder's plan.
  func seed(_ folders: DemoFolders, _ console: Console) throws(Failure) -> SeedReport {
    let file = try SeedPlanFile.read(folders.seedPlan)
    let request = SeedRequest(
      rows: ["products": DemoPlan.products, "users": DemoPlan.users, "sessions": DemoPlan.sessions])
    return try Seeder(file, request).run(on: connection) { console.detail("\($0.name): \($0.added) rows") }
  }

  /// More of every product that is not sold out.
  func deliver(pieces: Int) throws(Failure) {
    _ = try query(
      "UPDATE inventory SET quantity = quantity + $1::integer WHERE quantity > 0", [String(pieces)])
  }

  // MARK: - Questions

  /// What visitors can ask for.
  func shop() throws(Failure) -> Shop {
    let products = try query("SELECT id FROM products WHERE active ORDER BY id")
    let tokens = try query("SELECT token FROM sessions WHERE expires_at > now() ORDER BY token")
    guard
      let shop = Shop(
        products: (0..<products.count).compactMap { Int(products[$0, 0] ?? "") },
        tokens: (0..<tokens.count).compactMap { tokens[$0, 0] })
    else { throw Failure("the seeded shop has no product or no session") }
    return shop
  }

  /// Pieces on stock, orders, and pieces in the orders' lines.
  func books() throws(Failure) -> DemoBooks {
    let rows = try query(
      """
      SELECT (SELECT sum(quantity) FROM inventory), (SELECT count(*) FROM orders),
        (SELECT coalesce(sum(quantity), 0) FROM order_items)
      """)
    func number(_ column: Int) -> Int { rows.count == 1 ? Int(rows[0, column] ?? "") ?? 0 : 0 }
    return DemoBooks(stock: number(0), orders: number(1), ordered: number(2))
  }

  /// Backends that the application's role has now.
  func applicationBackends() throws(Failure) -> Int {
    let rows = try query("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", [DemoPlan.role])
    return Int(rows.first ?? "") ?? 0
  }

  private func query(_ sql: String, _ values: [String?] = []) throws(Failure) -> Rows {
    do throws(ServerError) { return try connection.query(sql, values) } catch { throw Failure(error) }
  }
}

/// The shop's books at one moment.
struct DemoBooks {
  /// Pieces on stock, over all products.
  let stock: Int
  let orders: Int
  /// Pieces in all orders' lines.
  let ordered: Int
}
