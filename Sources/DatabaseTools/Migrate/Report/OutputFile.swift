/// Where `outputFile` puts the JSON document.
package enum OutputFile {
  /// Writes the file anew; a relative path starts from the current folder.
  /// - Throws: `Failure` naming the file.
  package static func write(_ text: String, to path: String) throws(Failure) {
    try LocalFile.write(text, to: path)
  }
}
