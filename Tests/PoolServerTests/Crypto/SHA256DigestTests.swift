import PostgresWire
import Testing

@testable import PoolServer

@Suite("SHA-256 and HMAC by OpenSSL") struct SHA256DigestTests {
  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// FIPS 180-2, appendix B, and the empty text.
  @Test(
    "digests as the standard's examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func digest(text: String, expected: String) {
    #expect(hex(ScramHash.openSSL.sha256(Array(text.utf8))) == expected)
  }

  /// RFC 4231, cases 1, 2, 3, 6 and 7: the last two have keys longer than a block.
  @Test("HMAC as the standard's examples")
  func hmac() {
    let hmac = ScramHash.openSSL.hmac
    #expect(
      hex(hmac([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8)))
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(
      hex(hmac(Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      hex(hmac([UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50)))
        == "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")
    let long = [UInt8](repeating: 0xAA, count: 131)
    #expect(
      hex(hmac(long, Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    let text = """
      This is a test using a larger than block-size key and a larger than block-size data. The key needs to be \
      hashed before being used by the HMAC algorithm.
      """
    #expect(
      hex(hmac(long, Array(text.utf8))) == "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2")
  }

  @Test("HMAC of nothing, under no key")
  func empty() {
    #expect(
      hex(ScramHash.openSSL.hmac([], []))
        == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }
}

@Suite("Random bytes in reserve") struct RandomReserveTests {
  @Test("no byte is given out twice, however many are taken at once")
  func fresh() {
    var reserve = RandomReserve()
    var seen: Set<[UInt8]> = []
    for _ in 0..<1_000 {
      let taken = reserve.take(16)
      #expect(taken.count == 16)
      #expect(seen.insert(taken).inserted)
    }
    #expect(reserve.take(0).isEmpty)
    #expect(reserve.take(10_000).count == 10_000)
    let nonces = (0..<100).map { _ in reserve.nonce() }
    #expect(Set(nonces).count == 100 && nonces.allSatisfy { $0.utf8.count == 24 && !$0.contains(",") })
    #expect(Set((0..<100).map { _ in reserve.number() }).count > 90)
  }
}
