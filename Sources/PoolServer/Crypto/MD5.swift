import COpenSSL

/// MD5 in lowercase hexadecimal digits, for PostgreSQL's oldest passwords only. Empty where OpenSSL refuses it (FIPS),
/// which no server takes for a password.
func md5Hex(_ bytes: [UInt8]) -> String {
  var digest = [UInt8](repeating: 0, count: 16)
  var length: UInt32 = 0
  guard EVP_Digest(bytes, bytes.count, &digest, &length, EVP_md5(), nil) == 1 else { return "" }
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
