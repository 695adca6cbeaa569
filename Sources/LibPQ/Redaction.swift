/// Takes secrets out of text that is about to be shown.
package enum Redaction {
  /// What stands in a secret's place.
  package static let mark = "****"

  /// `text` with every occurrence of every secret replaced by ``mark``. Empty secrets hide nothing.
  package static func hiding(_ secrets: [String], in text: String) -> String {
    var result = text
    // The longest first, so that a secret which contains another one disappears whole.
    for secret in secrets.sorted(by: { $0.utf8.count > $1.utf8.count }) where !secret.isEmpty {
      result = replacing(Array(secret.utf8), in: result)
    }
    return result
  }

  private static func replacing(_ secret: [UInt8], in text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.count >= secret.count else { return text }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes.count - index >= secret.count, bytes[index..<index + secret.count].elementsEqual(secret) {
        result.append(contentsOf: mark.utf8)
        index += secret.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
