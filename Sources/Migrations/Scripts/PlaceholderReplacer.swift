/// Puts values in the place of `${…}` in a text that comes in pieces.
///
/// Everything is replaced: comments, strings, bodies, COPY data. What is put in is not looked at again. A prefix
/// that fails half-way is passed on whole and not tried again from its second character, so `$${x}` stays as it
/// is (Flyway 13 does that, and scripts depend on it). A name without its suffix reaches to the end of the text.
package struct PlaceholderReplacer: Sendable {
  private let placeholders: Placeholders
  private let prefix: [UInt8]
  private let suffix: [UInt8]
  private var state = State.text

  private enum State: Sendable {
    /// Between placeholders. → `opening` at the prefix's first byte.
    case text
    /// So many bytes of the prefix have matched. → `text` when one differs, `name` when all are there.
    case opening(Int)
    /// Inside, with what has come so far. → `text` when the suffix is complete.
    case name([UInt8])
  }

  /// Bytes read and written so far; where they grow apart, a replacement was made.
  private var read = 0
  private var written = 0
  private var openedAt = 0
  private let keepsMap: Bool
  package private(set) var map = PlaceholderMap()

  /// - Parameter keepsMap: remember where replacements were made, to find a place in the original again.
  package init(_ placeholders: Placeholders, keepsMap: Bool = false) {
    self.placeholders = placeholders
    prefix = Array(placeholders.prefix.utf8)
    suffix = Array(placeholders.suffix.utf8)
    self.keepsMap = keepsMap
  }

  /// Takes the next piece and answers the text that is certain by now.
  package mutating func replace(_ bytes: [UInt8]) throws(MigrationError) -> [UInt8] {
    guard let first = prefix.first, !suffix.isEmpty else { return bytes }
    if case .text = state, !bytes.contains(first) {
      read += bytes.count
      written += bytes.count
      return bytes
    }
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count + 64)
    for byte in bytes {
      switch state {
      case .text:
        if byte == first {
          openedAt = read
          state = prefix.count == 1 ? .name([]) : .opening(1)
        } else {
          out.append(byte)
          written += 1
        }
      case .opening(let matched):
        if byte != prefix[matched] {
          out += prefix[..<matched]
          out.append(byte)
          written += matched + 1
          state = .text
        } else {
          state = matched + 1 == prefix.count ? .name([]) : .opening(matched + 1)
        }
      case .name(var name):
        state = .text  // the array must not be held twice while it grows
        name.append(byte)
        if name.count >= suffix.count, name[(name.count - suffix.count)...] == suffix[...] {
          name.removeLast(suffix.count)
          let value = Array(try placeholders.value(of: String(decoding: name, as: UTF8.self)).utf8)
          if keepsMap {
            map.add(.init(written: written, length: value.count, original: openedAt, end: read + 1))
          }
          out += value
          written += value.count
        } else {
          state = .name(name)
        }
      }
      read += 1
    }
    return out
  }

  /// The text has ended; what was held back comes now.
  /// - Throws: `MigrationError.missingPlaceholder` for one that was never closed.
  package mutating func finish() throws(MigrationError) -> [UInt8] {
    switch state {
    case .text: return []
    case .opening(let matched):
      state = .text
      written += matched
      return Array(prefix[..<matched])
    case .name(let name):
      throw .missingPlaceholder(
        placeholders.prefix + String(decoding: name, as: UTF8.self) + placeholders.suffix)
    }
  }
}

/// Where values were put in, to find the way from the replaced text back to the file.
package struct PlaceholderMap: Sendable, Equatable {
  struct Edit: Sendable, Equatable {
    /// Where the value stands in the replaced text, in bytes, and how long it is.
    var written: Int
    var length: Int
    /// Where the placeholder began in the file, and where it ended.
    var original: Int
    var end: Int
  }

  private var edits: [Edit] = []

  init() {}

  mutating func add(_ edit: Edit) { edits.append(edit) }

  /// The byte offset in the file of a byte offset in the replaced text; inside a value it is the placeholder's.
  package func original(of offset: Int) -> Int {
    var low = 0
    var high = edits.count
    while low < high {
      let middle = (low + high) / 2
      if edits[middle].written <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return offset }
    let edit = edits[low - 1]
    return offset < edit.written + edit.length
      ? edit.original : edit.end + (offset - edit.written - edit.length)
  }
}
