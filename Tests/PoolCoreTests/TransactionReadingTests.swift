import PoolCore
import Testing

@Suite("What a text does to its transaction") struct TransactionReadingTests {
  private func read(_ text: String) -> TransactionReading { TransactionReading.read(text.utf8.span) }

  @Test(
    "one statement, by its first words",
    arguments: [
      ("BEGIN", TransactionReading.Step.begins), ("begin isolation level serializable", .begins),
      ("START TRANSACTION READ ONLY", .begins), ("/* a */ -- b\n BEGIN;", .begins),
      ("COMMIT", .commits), ("END", .commits), ("COMMIT WORK", .commits), ("end transaction", .commits),
      ("PREPARE TRANSACTION 'x'", .commits), ("COMMIT AND NO CHAIN", .commits),
      ("ROLLBACK", .rollsBack), ("ABORT", .rollsBack), ("ROLLBACK WORK", .rollsBack),
      ("COMMIT AND CHAIN", .begins), ("ROLLBACK WORK AND CHAIN", .begins),
      ("ROLLBACK TO SAVEPOINT a", .none), ("ROLLBACK WORK TO a", .none), ("ROLLBACK TRANSACTION TO a", .none),
      ("COMMIT PREPARED 'x'", .none), ("ROLLBACK PREPARED 'x'", .none), ("PREPARE x AS SELECT 1", .none),
      ("SAVEPOINT a", .none), ("SELECT 'COMMIT'", .none), ("\"commit\"", .none), ("(SELECT 1)", .none),
      ("", .none),
    ])
  func steps(text: String, step: TransactionReading.Step) {
    #expect(read(text).first == step)
    #expect(read(text).last == step)
  }

  @Test("of several statements the last word on the transaction counts")
  func several() {
    let whole = read("BEGIN; INSERT INTO t VALUES (';'); COMMIT")
    #expect(whole.first == .begins)
    #expect(whole.last == .commits)
    #expect(whole.count == 3)
    #expect(!whole.isOnlyEnd)
    #expect(read("ROLLBACK; BEGIN; SELECT 1").last == .begins)
    #expect(read("; ROLLBACK ;").isOnlyEnd)
    #expect(read(" -- nothing\n;").isEmpty)
  }

  @Test("only one plain statement may be sent again, and none that ends backends")
  func repeatable() {
    for text in [
      "SELECT 1", "insert into t values (1)", "UPDATE t SET a = 1;", "DELETE FROM t", "MERGE INTO t USING s",
    ] {
      #expect(read(text).isRepeatable, "\(text)")
    }
    for text in [
      "CALL p()", "DO 'x'", "SELECT 1; SELECT 2", "COMMIT", "CREATE TABLE t ()", "VACUUM", "", "EXECUTE x",
      "SELECT pg_terminate_backend(pg_backend_pid())",
    ] {
      #expect(!read(text).isRepeatable, "\(text)")
    }
  }
}
