import PoolCore

/// What a statement's text does to its session, as far as that can be read: in both ways of reading strings.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: base, count: count))
  _ = SessionEffects.scan(bytes.span)
  _ = SessionEffects.scan(bytes.span, standardConformingStrings: false)
  return 0
}
