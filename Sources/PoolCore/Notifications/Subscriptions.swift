/// What a database's listener must do next.
package enum ListenerAction: Equatable, Sendable {
  /// Get a backend.
  case borrow
  /// Run this text on its backend; ``Subscriptions/answered(_:)`` follows.
  case run(BackendID, String)
  /// Nobody listens any more: give the backend back.
  case giveBack(BackendID)
}

/// Who listens to what, and what the one backend per database that listens for all of them has to do for it.
///
/// A client's LISTEN is answered once its listener has the channel, and its own NOTIFY once the listener has said
/// whatever it had to say before: both wait for the answer to a query that is sent to the listener after them.
package struct Subscriptions: Sendable {
  private struct Listener: Sendable {
    var database = ""
    var backend: BackendID = .none
    var isBorrowing = false
    /// A text runs on it.
    var isBusy = false
    /// The channels that it has, as far as its answers and what runs tell.
    var channels: Set<[UInt8]> = []
    /// How many clients listen to each.
    var wanted: [[UInt8]: Int] = [:]
    /// Clients that wait for an answer to what is sent from now on, and to what runs.
    var waiting: [ClientID] = []
    var served: [ClientID] = []
  }

  private struct Subscriber: Sendable {
    var listener: Int
    var channels: Set<[UInt8]>
  }

  private var listeners: [Listener] = []
  private var subscribers: [UInt32: Subscriber] = [:]

  package init() {}

  /// Nobody listens to anything, and nothing is under way.
  package var isEmpty: Bool { listeners.isEmpty }

  /// How many backends listen or are asked for.
  package var backendCount: Int { listeners.count { $0.backend != .none || $0.isBorrowing } }

  /// The number of a database's listener, from now on for the life of the loop.
  package mutating func listener(of database: String) -> Int {
    if let known = listeners.firstIndex(where: { Array($0.database.utf8) == Array(database.utf8) }) {
      return known
    }
    listeners.append(Listener(database: database))
    return listeners.count - 1
  }

  /// The listener that the backend works for.
  package func listener(on backend: BackendID) -> Int? {
    listeners.firstIndex { $0.backend == backend }
  }

  package func backend(of listener: Int) -> BackendID { listeners[listener].backend }

  // MARK: Clients

  /// The client listens to these channels of the listener's database, and no others.
  package mutating func changed(_ client: ClientID, _ listener: Int, to channels: Set<[UInt8]>) {
    left(client)
    if channels.isEmpty { return }
    subscribers[client.index] = Subscriber(listener: listener, channels: channels)
    for channel in channels { listeners[listener].wanted[channel, default: 0] += 1 }
  }

  /// The client waits until the listener has answered what it is sent from now on.
  package mutating func wait(_ client: ClientID, for listener: Int) {
    listeners[listener].waiting.append(client)
  }

  /// The client listens to nothing and waits for nothing.
  package mutating func left(_ client: ClientID) {
    guard let old = subscribers.removeValue(forKey: client.index) else { return }
    for channel in old.channels {
      let count = listeners[old.listener].wanted[channel, default: 1] - 1
      listeners[old.listener].wanted[channel] = count > 0 ? count : nil
    }
  }

  /// The client has gone, and its number may be another's: nobody waits under it.
  package mutating func stopsWaiting(_ client: ClientID) {
    for index in listeners.indices {
      listeners[index].waiting.removeAll { $0 == client }
      listeners[index].served.removeAll { $0 == client }
    }
  }

  /// Whether the client listens to anything.
  package func isListening(_ client: ClientID) -> Bool { subscribers[client.index] != nil }

  /// The listener whose channels the client has.
  package func listener(of client: ClientID) -> Int? { subscribers[client.index]?.listener }

  /// Who gets what is sent to a channel, in the order of their numbers.
  package func receivers(_ listener: Int, _ channel: [UInt8]) -> [ClientID] {
    guard listeners[listener].wanted[channel] != nil else { return [] }
    return subscribers.filter { $0.value.listener == listener && $0.value.channels.contains(channel) }
      .keys.sorted().map { ClientID($0) }
  }

  /// All that listen by it.
  package func subscribers(of listener: Int) -> [ClientID] {
    subscribers.filter { $0.value.listener == listener }.keys.sorted().map { ClientID($0) }
  }

  // MARK: The listener

  /// What it must do; ask again after every change.
  package mutating func next(_ listener: Int) -> ListenerAction? {
    let entry = listeners[listener]
    let isNeeded = !entry.wanted.isEmpty || !entry.waiting.isEmpty
    if entry.backend == .none {
      guard isNeeded, !entry.isBorrowing else { return nil }
      listeners[listener].isBorrowing = true
      return .borrow
    }
    if entry.isBusy { return nil }
    if !isNeeded {
      listeners[listener].backend = .none
      listeners[listener].channels = []
      return .giveBack(entry.backend)
    }
    let wanted = Set(entry.wanted.keys)
    guard wanted != entry.channels || !entry.waiting.isEmpty else { return nil }
    let added = wanted.subtracting(entry.channels).sorted { $0.lexicographicallyPrecedes($1) }
    let dropped = entry.channels.subtracting(wanted).sorted { $0.lexicographicallyPrecedes($1) }
    listeners[listener].channels = wanted
    listeners[listener].served = entry.waiting
    listeners[listener].waiting = []
    listeners[listener].isBusy = true
    let texts = added.map { "LISTEN \(quoted($0))" } + dropped.map { "UNLISTEN \(quoted($0))" }
    return .run(entry.backend, texts.joined(separator: "; "))
  }

  /// It has a backend, which is being cleaned: busy until ``answered(_:)``.
  package mutating func lent(_ backend: BackendID, to listener: Int) {
    listeners[listener].isBorrowing = false
    listeners[listener].backend = backend
    listeners[listener].isBusy = true
  }

  /// What ran has been answered. These clients need not wait any more.
  package mutating func answered(_ listener: Int) -> [ClientID] {
    defer { listeners[listener].served = [] }
    listeners[listener].isBusy = false
    return listeners[listener].served
  }

  /// Its backend is gone, or could not be had: those who wait wait for the next.
  package mutating func lost(_ listener: Int) {
    listeners[listener].backend = .none
    listeners[listener].isBorrowing = false
    listeners[listener].isBusy = false
    listeners[listener].channels = []
    listeners[listener].waiting = listeners[listener].served + listeners[listener].waiting
    listeners[listener].served = []
  }

  private func quoted(_ channel: [UInt8]) -> String {
    var name = "\""
    for scalar in String(decoding: channel, as: UTF8.self).unicodeScalars {
      if scalar == "\"" { name += "\"" }
      name.unicodeScalars.append(scalar)
    }
    return name + "\""
  }
}
