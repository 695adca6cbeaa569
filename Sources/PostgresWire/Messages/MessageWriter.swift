/// Builds messages, one behind the other, in ``bytes``. One method for each message of either direction.
///
/// A text ends at its first zero byte, as a C string does: what a caller passes on can never reach into the
/// next field. A message beyond 4 GB gets a length word that every receiver refuses.
package struct MessageWriter: Sendable {
  /// What was written so far.
  package var bytes: [UInt8] = []

  /// - Parameter capacity: bytes to make room for at once.
  package init(reservingCapacity capacity: Int = 0) {
    if capacity > 0 { bytes.reserveCapacity(capacity) }
  }

  /// Writes a message: the tag, a length that is right once `body` has run, the body.
  package mutating func message(_ tag: UInt8, body: (inout MessageWriter) -> Void = { _ in }) {
    bytes.append(tag)
    untagged(body: body)
  }

  /// Writes a packet as the first one of a connection is: a length and a body, no tag.
  mutating func untagged(body: (inout MessageWriter) -> Void) {
    let start = bytes.count
    uint32(0)
    body(&self)
    let length = UInt32(clamping: bytes.count - start)
    for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
  }

  // MARK: Fields

  package mutating func byte(_ value: UInt8) {
    bytes.append(value)
  }

  package mutating func uint16(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  package mutating func uint32(_ value: UInt32) {
    uint16(UInt16(truncatingIfNeeded: value >> 16))
    uint16(UInt16(truncatingIfNeeded: value))
  }

  package mutating func int32(_ value: Int32) {
    uint32(UInt32(bitPattern: value))
  }

  package mutating func raw(_ value: [UInt8]) {
    bytes.append(contentsOf: value)
  }

  /// A text and the zero byte that ends it.
  package mutating func text(_ value: String) {
    bytes.append(contentsOf: value.utf8.prefix { $0 != 0 })
    bytes.append(0)
  }

  /// As ``text(_:)``, in whatever encoding it came.
  package mutating func text(_ value: [UInt8]) {
    bytes.append(contentsOf: value.prefix { $0 != 0 })
    bytes.append(0)
  }

  /// A value behind its length; nil is NULL.
  package mutating func value(_ value: [UInt8]?) {
    guard let value else { return int32(-1) }
    uint32(UInt32(clamping: value.count))
    raw(value)
  }

  /// A count and that many items: what does not fit the 16-bit count, 65,535, is not written.
  mutating func counted<Item>(_ items: [Item], write: (inout MessageWriter, Item) -> Void) {
    let count = UInt16(clamping: items.count)
    uint16(count)
    for item in items.prefix(Int(count)) { write(&self, item) }
  }
}
