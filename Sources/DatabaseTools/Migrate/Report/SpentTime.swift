/// How long something took, as people read it.
package enum SpentTime {
  /// `14 ms`, `2.3 s`, `4 min 5 s`, `2 h 4 min`.
  package static func text(_ milliseconds: Int) -> String {
    let seconds = milliseconds / 1000
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    if seconds < 60 { return "\(seconds).\(milliseconds % 1000 / 100) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
  }
}
