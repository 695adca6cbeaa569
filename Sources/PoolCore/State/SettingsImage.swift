/// The settings that a client has beyond its role's and database's defaults: from its startup packet and its SETs.
///
/// Names are lower case (the server compares them without case) and sorted, so that equal images have equal bytes.
package struct SettingsImage: Hashable, Sendable {
  package struct Setting: Hashable, Sendable {
    package var name: String
    /// Bytes in the client's encoding; the server's, for all that is not text.
    package var value: [UInt8]

    package init(name: String, value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  package private(set) var settings: [Setting] = []

  package init() {}

  package var isEmpty: Bool { settings.isEmpty }

  package subscript(name: String) -> [UInt8]? {
    settings.first { $0.name == name }?.value
  }

  package mutating func set(_ name: String, _ value: [UInt8]) {
    let name = lowercasedASCII(name)
    if let index = settings.firstIndex(where: { $0.name == name }) {
      settings[index].value = value
      return
    }
    let index = settings.firstIndex { $0.name > name } ?? settings.count
    settings.insert(Setting(name: name, value: value), at: index)
  }

  package mutating func remove(_ name: String) {
    settings.removeAll { $0.name == name }
  }
}

/// ASCII letters in lower case; all else stays.
package func lowercasedASCII(_ text: String) -> String {
  String(
    decoding: text.utf8.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0 },
    as: UTF8.self)
}

/// An image's number. Equal images have equal numbers, so that comparing two costs one instruction.
@usableFromInline
package struct ImageID: Hashable, Sendable {
  @usableFromInline package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  /// No setting at all.
  @inlinable package static var empty: ImageID { ImageID(UInt32(0)) }
}

/// All images in use, each once, with what has to be put in front of a client's bytes for it.
///
/// Images are compared byte for byte when they are made (a Dictionary's equality), never by hash alone: they hold
/// bytes that clients choose, and a collision would run one client under another's settings.
@usableFromInline
package struct ImageTable: Sendable {
  private struct Entry: Sendable {
    var image = SettingsImage()
    var uses = 0
    var front: [UInt8] = []
    /// The same without DISCARD SEQUENCES; made when it is needed.
    var frontKeepingSequences: [UInt8] = []
    /// What a backend answers to each of them, once one has.
    var answer: [UInt8] = []
    var answerKeepingSequences: [UInt8] = []
    /// See ``BorrowLimit``.
    var borrowLimit: UInt64?
  }

  private var entries: [Entry] = [Entry(image: SettingsImage(), uses: 1, front: [])]
  private var numbers: [SettingsImage: UInt32] = [SettingsImage(): 0]
  private var free: [UInt32] = []

  package init() { entries[0].front = Front.bytes(for: SettingsImage()) }

  package var count: Int { numbers.count }

  package subscript(id: ImageID) -> SettingsImage { entries[Int(id.index)].image }

  /// How many settings the image has.
  package func settingCount(_ id: ImageID) -> Int { entries[Int(id.index)].image.settings.count }

  /// What a client with this image has set for itself, in milliseconds; see ``BorrowLimit``.
  func borrowLimit(_ id: ImageID) -> UInt64? { entries[Int(id.index)].borrowLimit }

  /// What goes in front of the first bytes of a client with this image on a backend that another one had.
  package func front(_ id: ImageID) -> [UInt8] { entries[Int(id.index)].front }

  /// The same for a database whose sequences cache values.
  package mutating func frontKeepingSequences(_ id: ImageID) -> [UInt8] {
    let index = Int(id.index)
    if entries[index].frontKeepingSequences.isEmpty {
      entries[index].frontKeepingSequences = Front.bytes(
        for: entries[index].image, discardingSequences: false)
    }
    return entries[index].frontKeepingSequences
  }

  /// What answers the front; empty when none has been kept.
  @usableFromInline func frontAnswer(_ id: ImageID, keepingSequences: Bool) -> [UInt8] {
    keepingSequences ? entries[Int(id.index)].answerKeepingSequences : entries[Int(id.index)].answer
  }

  mutating func setFrontAnswer(_ id: ImageID, keepingSequences: Bool, _ bytes: [UInt8]) {
    if keepingSequences {
      entries[Int(id.index)].answerKeepingSequences = bytes
    } else {
      entries[Int(id.index)].answer = bytes
    }
  }

  /// The image's number, used once more.
  package mutating func retain(_ image: SettingsImage) -> ImageID {
    if let known = numbers[image] {
      retain(ImageID(known))
      return ImageID(known)
    }
    let limit = image[BorrowLimit.setting].flatMap { BorrowLimit.milliseconds($0) }
    let entry = Entry(image: image, uses: 1, front: Front.bytes(for: image), borrowLimit: limit)
    let number: UInt32
    if let reused = free.popLast() {
      number = reused
      entries[Int(reused)] = entry
    } else {
      number = UInt32(entries.count)
      entries.append(entry)
    }
    numbers[image] = number
    return ImageID(number)
  }

  package mutating func retain(_ id: ImageID) {
    if id != .empty { entries[Int(id.index)].uses += 1 }
  }

  /// One use less; the image's number may be another's after its last. The empty image stays for ever.
  package mutating func release(_ id: ImageID) {
    if id == .empty { return }
    entries[Int(id.index)].uses -= 1
    guard entries[Int(id.index)].uses == 0 else { return }
    numbers[entries[Int(id.index)].image] = nil
    entries[Int(id.index)] = Entry()
    free.append(id.index)
  }
}
