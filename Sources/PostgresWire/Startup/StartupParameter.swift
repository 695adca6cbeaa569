/// A name and a value, as the startup packet and its `options` carry them.
package struct StartupParameter: Equatable, Sendable {
  /// The setting's name.
  package var name: String

  /// The value as it came: no encoding is agreed on yet at this point, so it may be other than UTF-8.
  package var value: [UInt8]

  /// The value as text; bytes that are not UTF-8 become U+FFFD.
  package var text: String { String(decoding: value, as: UTF8.self) }

  package init(name: String, value: [UInt8]) {
    self.name = name
    self.value = value
  }

  package init(_ name: String, _ text: String) {
    self.name = name
    value = Array(text.utf8)
  }
}
