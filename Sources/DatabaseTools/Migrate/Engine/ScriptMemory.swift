import SQLText

/// Small scripts between the look over them and their run, so that they are read and split once.
final class ScriptMemory {
  /// A script of more text than this is read again instead.
  static let largestScript = 1 << 20
  private static let largestTotal = 8 << 20

  private var scripts: [String: (pieces: [ScriptPiece], size: Int)] = [:]
  private var total = 0

  /// Keeps a script's pieces, unless there are too many already.
  func keep(_ path: String, _ pieces: [ScriptPiece], size: Int) {
    drop(path)
    guard total + size <= Self.largestTotal else { return }
    scripts[path] = (pieces, size)
    total += size
  }

  /// The script's pieces, for the one run that follows.
  func take(_ path: String) -> [ScriptPiece]? {
    defer { drop(path) }
    return scripts[path]?.pieces
  }

  private func drop(_ path: String) {
    if let old = scripts.removeValue(forKey: path) { total -= old.size }
  }
}

extension ScriptPiece {
  /// About how much memory it takes, in bytes.
  var size: Int {
    switch self {
    case .statement(let statement): statement.text.count + 128
    case .copyData(let bytes): bytes.count + 64
    case .copyEnd: 64
    }
  }
}
