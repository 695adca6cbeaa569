import PoolCore

/// The PROXY header, auth_hba_file and auth_file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: base, count: count))
  _ = ProxyHeader.read(in: bytes.span)
  let text = String(decoding: bytes, as: UTF8.self)
  if let rules = try? AccessRules(text) {
    _ = rules.rule(for: AccessRules.Visitor(user: "app", database: "shop", address: nil, isEncrypted: true))
  }
  _ = try? UserList(text)
  return 0
}
