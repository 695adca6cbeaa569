/// Letters beyond ASCII written with ASCII ones: `Łukasz` → `Lukasz`, `Weiß` → `Weiss`.
///
/// Covers the Latin letters of Europe, Turkish and Vietnamese; a list of names in other scripts brings its
/// own spelling in a field. What has no spelling here is left out.
enum Transliteration {
  static func ascii(_ bytes: [UInt8]) -> [UInt8] {
    if bytes.allSatisfy({ $0 < 0x80 }) { return bytes }
    var result: [UInt8] = []
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      if scalar.isASCII {
        result.append(UInt8(truncatingIfNeeded: scalar.value))
      } else if let letters = spelling[scalar.value] {
        result += letters
      }
    }
    return result
  }

  static func lower(_ bytes: [UInt8]) -> [UInt8] {
    if bytes.allSatisfy({ $0 < 0x80 }) {
      return bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
    return Array(String(decoding: bytes, as: UTF8.self).lowercased().utf8)
  }

  private static let spelling: [UInt32: [UInt8]] = {
    var table: [UInt32: [UInt8]] = [:]
    for (ascii, letters) in groups {
      for scalar in letters.unicodeScalars { table[scalar.value] = Array(ascii.utf8) }
    }
    return table
  }()

  private static let groups: [(String, String)] = [
    ("A", "ÀÁÂÃÄÅĀĂĄẠẢẤẦẨẪẬẮẰẲẴẶ"), ("a", "àáâãäåāăąạảấầẩẫậắằẳẵặ"), ("AE", "Æ"), ("ae", "æ"),
    ("C", "ÇĆĈĊČ"), ("c", "çćĉċč"), ("D", "ĎĐÐ"), ("d", "ďđð"), ("E", "ÈÉÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ"),
    ("e", "èéêëēĕėęěẹẻẽếềểễệ"), ("G", "ĜĞĠĢ"), ("g", "ĝğġģ"), ("H", "ĤĦ"), ("h", "ĥħ"), ("I", "ÌÍÎÏĨĪĬĮİỊỈ"),
    ("i", "ìíîïĩīĭįıịỉ"), ("J", "Ĵ"), ("j", "ĵ"), ("K", "Ķ"), ("k", "ķ"), ("L", "ĹĻĽŁ"), ("l", "ĺļľł"),
    ("N", "ÑŃŅŇ"), ("n", "ñńņň"), ("O", "ÒÓÔÕÖØŌŎŐỌỎỐỒỔỖỘỚỜỞỠỢƠ"), ("o", "òóôõöøōŏőọỏốồổỗộớờởỡợơ"),
    ("OE", "Œ"),
    ("oe", "œ"), ("R", "ŔŘ"), ("r", "ŕř"), ("S", "ŚŜŞŠȘ"), ("s", "śŝşšș"), ("ss", "ß"), ("T", "ŢŤȚ"),
    ("t", "ţťț"), ("TH", "Þ"), ("th", "þ"), ("U", "ÙÚÛÜŨŪŬŮŰŲỤỦỨỪỬỮỰƯ"), ("u", "ùúûüũūŭůűųụủứừửữựư"),
    ("W", "Ŵ"), ("w", "ŵ"), ("Y", "ÝŸŶỲỴỶỸ"), ("y", "ýÿŷỳỵỷỹ"), ("Z", "ŹŻŽ"), ("z", "źżž"),
  ]
}
