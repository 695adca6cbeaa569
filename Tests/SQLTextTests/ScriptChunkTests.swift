import SQLText
import Testing

/// All that a splitter gave for a script: its pieces, and the error that ended it.
private struct Outcome: Equatable {
  var pieces: [ScriptPiece] = []
  var error: ScriptError?

  init(_ chunks: [ArraySlice<UInt8>]) {
    var splitter = ScriptSplitter()
    do throws(ScriptError) {
      for chunk in chunks {
        splitter.append(Array(chunk))
        while let piece = try splitter.next() { pieces.append(piece) }
      }
      splitter.finish()
      while let piece = try splitter.next() { pieces.append(piece) }
    } catch {
      self.error = error
    }
  }
}

@Suite("Script splitter: chunks") struct ScriptChunkTests {
  @Test("a script cut in two at any byte gives the same pieces", arguments: ScriptFixtures.all)
  func everyCut(script: String) {
    let bytes = Array(script.utf8)
    let whole = Outcome([bytes[...]])
    #expect(whole.error == nil)
    #expect(!whole.pieces.isEmpty)
    for cut in 0...bytes.count {
      #expect(Outcome([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
    }
  }

  @Test(
    "a script that comes byte by byte gives the same pieces",
    arguments: ScriptFixtures.all + [
      "\u{FEFF}select u&'a;', $a$;$a$, 1e+5, e'a'\n -- c\n 'b\\';' /* ; */ ;\u{A0}; $ab ; select @+++;",
      "select 1 /* never", "copy t from stdin; x", "copy t from stdin;\r1\r\\.\r",
    ])
  func byteByByte(script: String) {
    let bytes = Array(script.utf8)
    #expect(Outcome(bytes.indices.map { bytes[$0...$0] }) == Outcome([bytes[...]]))
  }

  @Test("random scripts in random chunks give the same pieces", arguments: UInt64(1)...30)
  func random(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let words: [String] = [
      "select", " ", "\n", "\r\n", "\r", ";", "'", "''", "\"", "$$", "$a$", "$1", "e'", "E'\\'", "u&'", "--",
      "/*",
      "*/", "(", ")", "create function f() ", "begin atomic ", "case ", "end ", "copy t from stdin", ";\n",
      "\\.\n",
      "\n\\.\n", "a\tb\n", "é", "\u{A0}", ".", "1", "_", "@", "+", "-", ":", "=", "\\", "as ", "x",
      "\u{FEFF}",
    ]
    for _ in 0..<150 {
      let script = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        words.randomElement(using: &random) ?? ""
      }.joined()
      let bytes = Array(script.utf8)
      var chunks: [ArraySlice<UInt8>] = []
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...9, using: &random))
        chunks.append(bytes[start..<end])
        start = end
      }
      #expect(Outcome(chunks) == Outcome([bytes[...]]), "seed \(seed), script \(script.debugDescription)")
    }
  }

  @Test("long COPY data in random chunks gives the same pieces", arguments: UInt64(1)...3)
  func longCopy(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var script = Array("copy t from stdin;\n".utf8)
    while script.count < 400_000 {
      let length =
        Int.random(in: 0..<20, using: &random) == 0 ? 70_000 : Int.random(in: 0..<300, using: &random)
      script += Array(repeating: 0x78, count: length) + [0x0A]
    }
    script += Array("\\.\nselect 1;".utf8)
    var chunks: [ArraySlice<UInt8>] = []
    var start = 0
    while start < script.count {
      let end = min(script.count, start + Int.random(in: 1...40_000, using: &random))
      chunks.append(script[start..<end])
      start = end
    }
    #expect(Outcome(chunks) == Outcome([script[...]]), "seed \(seed)")
    #expect(Outcome(chunks).error == nil)
  }

  @Test("a statement is handed out as soon as its semicolon is there")
  func promptness() throws {
    var splitter = ScriptSplitter()
    splitter.append(Array("select".utf8))
    #expect(try splitter.next() == nil)
    splitter.append(Array(" 'a'".utf8))
    #expect(try splitter.next() == nil)
    splitter.append(Array("; select 2;".utf8))
    #expect(try splitter.next() != nil)
    #expect(try splitter.next() != nil)
    #expect(try splitter.next() == nil)
  }

  @Test("a long string that comes in small chunks takes linear work")
  func linearWork() throws {
    // Read again from its start with each chunk, this would be 2,000,000,000,000 bytes.
    var splitter = ScriptSplitter()
    splitter.append(Array("select '".utf8))
    let chunk = Array(repeating: UInt8(0x78), count: 10)
    for _ in 0..<20_000 {
      splitter.append(chunk)
      #expect(try splitter.next() == nil)
    }
    splitter.append(Array("'; ".utf8))
    splitter.finish()
    guard case .statement(let statement)? = try splitter.next() else {
      Issue.record("no statement")
      return
    }
    #expect(statement.text.count == 200_009)
  }
}
