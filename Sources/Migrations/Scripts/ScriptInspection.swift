package import SQLText

/// A look over a whole script before anything of it runs: whether it fits into one transaction.
package struct ScriptInspection: Sendable {
  /// How statements of both kinds in one script are treated.
  package struct Policy: Sendable {
    /// The global setting; a script's own configuration wins over it.
    package var executeInTransaction: Bool
    /// Both kinds in one script are taken, all outside a transaction.
    package var mixed: Bool
    /// As libpq counts it.
    package var serverVersion: Int

    package init(executeInTransaction: Bool = true, mixed: Bool = false, serverVersion: Int) {
      self.executeInTransaction = executeInTransaction
      self.mixed = mixed
      self.serverVersion = serverVersion
    }
  }

  private let policy: Policy
  private let fixed: Bool?
  private var first: Bool?
  private var isMixed = false
  package private(set) var statementCount = 0

  package init(_ policy: Policy, _ config: ScriptConfig) {
    self.policy = policy
    fixed = config.executeInTransaction ?? (policy.executeInTransaction ? nil : false)
  }

  /// Whether the script, as far as it has been seen, runs in one transaction.
  package var isTransactional: Bool { fixed ?? (isMixed ? false : first ?? true) }

  /// - Throws: `MigrationError.mixedStatements` at the first statement of the other kind.
  package mutating func add(_ statement: ScriptStatement) throws(MigrationError) {
    statementCount += 1
    guard fixed == nil else { return }
    let fits = TransactionRule.canRunInTransaction(statement, serverVersion: policy.serverVersion)
    guard let first else {
      first = fits
      return
    }
    if fits == first { return }
    guard policy.mixed else {
      throw .mixedStatements(
        line: statement.start.line, statement: statement.string, transactional: fits)
    }
    isMixed = true
  }
}
