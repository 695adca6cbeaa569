import DatabaseTools
import PoolServer

@testable import dbtool

/// A configuration from text, as if it stood in `dbtool.toml`.
func configuration(
  _ text: String = "", flags: [String: PoolValue] = [:], environment: [String: String] = shopURL
) throws(Failure) -> PoolConfiguration {
  try PoolConfiguration(
    flags: flags, environment: environment, document: try PoolDocument(path: "dbtool.toml", text: text))
}

/// The failure that a configuration ends in; `nil` when it is fine.
func failure(_ text: String, environment: [String: String] = shopURL) -> Failure? {
  do {
    _ = try configuration(text, environment: environment)
    return nil
  } catch {
    return error
  }
}

let shopURL = ["DATABASE_URL": "postgres://app:pw-4711@db.internal:5433/shop"]
