import Migrations

/// A script's checksums, taken while the file streams by.
struct Fingerprint {
  /// What the history stores.
  var checksum: Int32
  /// Before placeholders were replaced, where they were.
  var equivalent: Int32?

  /// - Parameter placeholders: replaced before the checksum is taken; nil takes the text as it is.
  static func of(
    _ file: ScriptFile, _ encoding: TextEncoding, placeholders: Placeholders?
  ) throws(MigrationFailure) -> Fingerprint {
    var decoder = TextDecoder(encoding)
    var replacer = placeholders.map { PlaceholderReplacer($0) }
    var raw = Checksum()
    var replaced = Checksum()
    do {
      try LocalFile.stream(file.absolutePath) { (chunk) throws(MigrationError) in
        let text = try decoder.decode(copy chunk)
        if decoder.hasDroppedMark {
          raw.passMark()
          replaced.passMark()
        }
        raw.update(text)
        if let text = try replacer?.replace(text) { replaced.update(text) }
      }
      try decoder.finish()
      if let rest = try replacer?.finish() { replaced.update(rest) }
    } catch let error as LocalFile.ReadError<MigrationError> {
      switch error {
      case .unreadable(let failure): throw MigrationFailure(failure)
      case .body(let error): throw failure(error, file)
      }
    } catch let error as MigrationError {
      throw failure(error, file)
    } catch {
      throw MigrationFailure(Failure("\(file.path): \(error)"))
    }
    guard replacer != nil else { return Fingerprint(checksum: raw.value, equivalent: nil) }
    return Fingerprint(checksum: replaced.value, equivalent: raw.value)
  }

  private static func failure(_ error: MigrationError, _ file: ScriptFile) -> MigrationFailure {
    var failure = MigrationFailure(error)
    if case .undecodable = error {
      failure.message =
        "Unable to calculate checksum of \(file.absolutePath)\nthe encoding may be wrong: \(error.message)"
      failure.failure = Failure(
        "the text of the script is not what its encoding says", detail: error.message,
        hint: "name its encoding with --encoding, or in \(file.fileName).conf")
    }
    failure.failure.place = Failure.Place(file: file.path)
    return failure
  }
}
