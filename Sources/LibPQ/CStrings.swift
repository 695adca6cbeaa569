private import Glibc

/// Lends Swift strings to C as an array of pointers.
enum CStrings {
  /// Calls `body` with a pointer for each string, null for nil; they are valid until it returns.
  static func with<Result>(
    _ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
  ) -> Result {
    let copies = strings.map { $0.flatMap { strdup($0) } }
    defer { for copy in copies { free(copy) } }
    return copies.map { $0.map { UnsafePointer($0) } }.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
