/// Where `outputFile` puts the JSON document.
package enum OutputFile {
  /// Writes the file anew; a relative path starts from the current folder.
  /// - Throws: `Failure` naming the file.
  package static func write(_ text: String, to path: String) throws(Failure) {
    try LocalFile.write(text, to: path)
  }
}

/// A file that a command line names.
package enum InputFile {
  /// - Throws: `Failure` naming the file.
  package static func bytes(of path: String) throws(Failure) -> [UInt8] { try LocalFile.bytes(of: path) }

  /// What relative paths start from.
  package static var folder: String { LocalPath.workingDirectory() }
}
