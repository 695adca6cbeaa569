/// A file that holds a password, and may hold another one later.
package struct SecretSource: Sendable {
  package let path: String
  /// Reads the password that the file holds now.
  let read: @Sendable () throws(AccessFileError) -> String

  package init(path: String, read: @escaping @Sendable () throws(AccessFileError) -> String) {
    self.path = path
    self.read = read
  }
}
