/// A password. Prints, interpolates and dumps as `****`; only ``reveal`` gives it away, so that every place
/// which does is found by that word.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The password itself, for a connection's parameters and nowhere else.
  package let reveal: String

  package init(_ text: String) { reveal = text }

  package var description: String { "****" }
  package var debugDescription: String { "****" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
