extension PoolServer {
  /// What `dbtool --version`, `/metrics` and the status page call this program's version.
  package static let version = "0.1.0"
}
