import PostgresWire
import StorefrontLoad
import Testing

@Suite("A load client's requests") struct LoadClientTests {
  private static let soldOut = ErrorFields(
    severity: .error, sqlState: "SH409", message: "not enough stock of product 7")
  private static let noBackend = ErrorFields(
    severity: .error, sqlState: "53300", message: "timed out after 3000 ms waiting for a database connection")

  // MARK: Extended protocol

  @Test("the first request of a kind prepares its statement, the next ones only execute it")
  func prepares() throws {
    var stage = try loggedIn(.extended)
    let first = stage.start(.product)
    #expect(first.tags == "PDS")
    #expect(first[0].text.hasPrefix("shop_product SELECT id, sku, name"))
    let prepared = stage.hear {
      $0.parseComplete()
      $0.parameterDescription(types: [20])
      $0.rowDescription(["id"])
      $0.readyForQuery(.idle)
    }
    #expect(prepared.events.isEmpty)
    #expect(prepared.sent.tags == "BDES")
    #expect(answered(&stage, rows: ["7"]) == [.finished(.product, .served)])
    #expect(stage.start(.product).tags == "BDES")
  }

  @Test("each kind has a statement of its own")
  func kinds() throws {
    var stage = try loggedIn(.extended)
    #expect(stage.start(.inventory).tags == "PDS")
    _ = stage.hear { $0.readyForQuery(.idle) }
    _ = answered(&stage, rows: ["7"])
    #expect(stage.start(.checkout).tags == "PDS")
  }

  @Test("a statement that could not be prepared is prepared again")
  func preparesAgain() throws {
    var stage = try loggedIn(.extended)
    _ = stage.start(.product)
    let (events, sent) = stage.hear {
      $0.errorResponse(Self.noBackend)
      $0.readyForQuery(.idle)
    }
    #expect(
      events == [.finished(.product, .failed(LoadError(sqlState: "53300", message: Self.noBackend.message)))])
    #expect(sent.isEmpty)
    #expect(stage.start(.product).tags == "PDS")
  }

  @Test("a checkout binds token, items and a key of its own")
  func checkoutValues() throws {
    var stage = try loggedIn(.extended)
    _ = stage.start(.checkout)
    let bind = try #require(stage.hear { $0.readyForQuery(.idle) }.sent.first)
    #expect(bind.text.contains("to'ken"))
    #expect(bind.text.contains(#"[{"product_id":7,"quantity":1}"#))
    #expect(bind.text.contains("test-3-"))
  }

  @Test("a checkout that the shop refuses is an answer, not a failure")
  func refused() throws {
    var stage = try loggedIn(.extended)
    _ = stage.start(.checkout)
    _ = stage.hear { $0.readyForQuery(.idle) }
    let (events, _) = stage.hear {
      $0.errorResponse(Self.soldOut)
      $0.readyForQuery(.idle)
    }
    #expect(
      events == [
        .finished(.checkout, .refused(LoadError(sqlState: "SH409", message: "not enough stock of product 7")))
      ])
  }

  // MARK: Simple protocol

  @Test("a read is one query with the value in its text")
  func simpleRead() throws {
    var stage = try loggedIn(.simple)
    let sent = stage.start(.inventory)
    #expect(
      sent.map(\.text) == ["SELECT product_id, quantity FROM inventory WHERE product_id = 7 "])
    #expect(answered(&stage, rows: ["7"]) == [.finished(.inventory, .served)])
  }

  @Test("a checkout is BEGIN, the call and COMMIT, each after the other's answer")
  func simpleCheckout() throws {
    var stage = try loggedIn(.simple)
    #expect(stage.start(.checkout).map(\.text) == ["BEGIN "])
    let call = stage.hear {
      $0.commandComplete(tag: "BEGIN")
      $0.readyForQuery(.inTransaction)
    }
    #expect(call.sent.count == 1)
    let text = call.sent.first?.text ?? ""
    #expect(text.contains(#"FROM checkout('to''ken', '[{"product_id":7,"quantity":1}"#))
    #expect(text.hasSuffix("') "))
    let commit = stage.hear {
      $0.dataRow(["1", "100", "USD", "f"])
      $0.readyForQuery(.inTransaction)
    }
    #expect(commit.sent.map(\.text) == ["COMMIT "])
    #expect(commit.events.isEmpty)
    #expect(stage.hear { $0.readyForQuery(.idle) }.events == [.finished(.checkout, .served)])
  }

  @Test("a refused checkout is rolled back before it counts as refused")
  func simpleRefused() throws {
    var stage = try loggedIn(.simple)
    _ = stage.start(.checkout)
    _ = stage.hear { $0.readyForQuery(.inTransaction) }
    let (_, sent) = stage.hear {
      $0.errorResponse(Self.soldOut)
      $0.readyForQuery(.failed)
    }
    #expect(sent.map(\.text) == ["ROLLBACK "])
    #expect(
      stage.hear { $0.readyForQuery(.idle) }.events == [
        .finished(.checkout, .refused(LoadError(sqlState: "SH409", message: "not enough stock of product 7")))
      ])
  }

  @Test("a COMMIT that fails makes the checkout a failure")
  func commitFails() throws {
    var stage = try loggedIn(.simple)
    _ = stage.start(.checkout)
    _ = stage.hear { $0.readyForQuery(.inTransaction) }
    _ = stage.hear {
      $0.dataRow(["1", "100", "USD", "f"])
      $0.readyForQuery(.inTransaction)
    }
    let (events, _) = stage.hear {
      $0.errorResponse(ErrorFields(severity: .error, sqlState: "40001", message: "could not serialize"))
      $0.readyForQuery(.idle)
    }
    #expect(
      events == [.finished(.checkout, .failed(LoadError(sqlState: "40001", message: "could not serialize")))])
  }

  // MARK: Wrong answers

  @Test("an answer about another product is a failure: somebody else's answer came here")
  func mixedUp() throws {
    var stage = try loggedIn(.simple)
    _ = stage.start(.product)
    #expect(
      answered(&stage, rows: ["8"]) == [
        .finished(
          .product, .failed(LoadError(sqlState: "XX001", message: "the answer is about another product")))
      ])
  }

  @Test("too few or too many rows are a failure", arguments: [[], ["7", "7"]] as [[String]])
  func rowCount(rows: [String]) throws {
    var stage = try loggedIn(.simple)
    _ = stage.start(.inventory)
    #expect(
      answered(&stage, rows: rows) == [
        .finished(
          .inventory, .failed(LoadError(sqlState: "XX001", message: "the answer has \(rows.count) rows")))
      ])
  }

  @Test("a list has one to a hundred rows", arguments: [(0, false), (1, true), (100, true), (101, false)])
  func listLength(rows: Int, isServed: Bool) throws {
    var stage = try loggedIn(.simple)
    _ = stage.start(.productList)
    let events = answered(&stage, rows: Array(repeating: "1", count: rows))
    #expect((events == [.finished(.productList, .served)]) == isServed)
  }

  @Test("ReadyForQuery that nobody waits for ends the connection")
  func outOfTurn() throws {
    var stage = try loggedIn(.simple)
    #expect(
      stage.hear { $0.readyForQuery(.idle) }.events == [
        .lost(LoadError(sqlState: "08P01", message: "ReadyForQuery out of turn"))
      ])
  }

  @Test("when the connection is lost the request under way is known")
  func lostRequest() throws {
    var stage = try loggedIn(.simple)
    _ = stage.start(.product)
    _ = stage.client.connectionLost("reset")
    #expect(stage.client.pending?.kind == .product)
    #expect(!stage.client.isIdle)
  }

  // MARK: Helpers

  private func loggedIn(_ style: LoadProtocol) throws -> ScriptedClient {
    var stage = try #require(ScriptedClient(style))
    #expect(stage.logIn() == [.loggedIn])
    return stage
  }

  private func answered(_ stage: inout ScriptedClient, rows: [String]) -> [LoadClientEvent] {
    stage.hear {
      $0.rowDescription(["id", "value"])
      for row in rows { $0.dataRow([row, "x"]) }
      $0.commandComplete(tag: "SELECT \(rows.count)")
      $0.readyForQuery(.idle)
    }.events
  }
}
