/// Who asks for `lastval` or `currval` after writing, by user, database and application_name.
///
/// Such a value lives on the backend that wrote, and nobody can carry it. Keeping every client that inserts on its
/// backend would be the end of sharing, and few ask. So the first writers of each application are kept for a moment
/// after their transactions: whoever asks then is kept from now on, as are all of its kind when they have written.
package struct SequenceHabits: Sendable {
  private struct Habit: Sendable {
    var trials = 0
    var asks = false
  }

  private var numbers: [[UInt8]: Int32] = [:]
  private var habits = [Habit()]

  /// Transactions of an application that are waited for. At ``lease`` each, that is what learning costs.
  private static let mostTrials = 20
  /// Applications that are told apart; clients choose their names.
  private static let capacity = 1_024

  /// How long a client is kept that may be about to ask. Milliseconds.
  package static let lease: UInt64 = 100

  /// The number of an application's habit; 0 is shared by those that are too many.
  package mutating func number(of application: [UInt8]) -> Int32 {
    if let known = numbers[application] { return known }
    guard habits.count < Self.capacity else { return 0 }
    habits.append(Habit())
    let number = Int32(habits.count - 1)
    numbers[application] = number
    return number
  }

  package func asks(_ number: Int32) -> Bool { habits[Int(number)].asks }

  package mutating func asked(_ number: Int32) { habits[Int(number)].asks = true }

  /// Whether a client that has written is to be kept for a moment.
  package mutating func tries(_ number: Int32) -> Bool {
    guard habits[Int(number)].trials < Self.mostTrials else { return false }
    habits[Int(number)].trials += 1
    return true
  }
}
