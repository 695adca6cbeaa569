package import Migrations

/// A script that was found.
package struct ScriptFile: Sendable, Equatable {
  /// The path below its location: the history's `script`.
  package let script: String
  /// For people: location and script.
  package let path: String
  package let absolutePath: String
  package let name: MigrationName
  /// Whether `<script>.conf` lies beside it.
  var isConfigured = false

  /// What a script's name ends with in the name of its configuration: `V1__x.sql.conf`.
  static let configurationSuffix = ".conf"

  var fileName: String { LocalPath.name(of: absolutePath) }
}

/// What lies in the locations: every script whose name says something, by path.
package struct MigrationFiles: Sendable {
  package private(set) var migrations: [ScriptFile] = []
  /// What takes migrations back.
  package private(set) var undos: [ScriptFile] = []
  package private(set) var callbacks: [CallbackEvent: [ScriptFile]] = [:]
  /// Scripts whose names say nothing.
  package private(set) var passedOver: [ScriptFile] = []
  /// What is odd but no error: a location that is not there, a folder in one that we may not read.
  package private(set) var warnings: [String] = []

  /// Looks through the locations, folders that begin with a dot left out.
  /// - Throws: `MigrationError` for a location or name that is refused.
  package static func scan(
    _ settings: MigrationSettings, locations: [String], in directory: String
  ) throws(MigrationError) -> MigrationFiles {
    var files = MigrationFiles()
    let places = try locationList(locations)
    var found: [ScriptFile] = []
    for place in places {
      guard let scripts = try scripts(at: place, settings.naming, directory, &files.warnings) else {
        try files.passOver(place, settings, directory)
        continue
      }
      found += scripts
    }
    if settings.flag("validateMigrationNaming") { try refuseInvalid(found) }

    var callbacks = found
    let callbackPlaces = settings.list("callbackLocations")
    if !callbackPlaces.isEmpty {
      callbacks = []
      for place in try locationList(callbackPlaces) {
        guard let scripts = try scripts(at: place, settings.naming, directory, &files.warnings) else {
          try files.passOver(place, settings, directory)
          continue
        }
        callbacks += scripts
      }
    }
    if !settings.flag("skipDefaultCallbacks") { try files.add(callbacks: callbacks) }
    files.migrations = found.filter { file in
      switch file.name {
      case .versioned, .baseline, .repeatable: true
      case .undo, .callback, .invalid: false
      }
    }
    files.undos = found.filter { if case .undo = $0.name { true } else { false } }
    files.passedOver = found.filter { if case .invalid = $0.name { true } else { false } }
    return files
  }

  /// For a try of a part of them, or with others.
  /// - Parameters:
  ///   - isOut: says of a migration whether it is left out.
  ///   - others: migrations that are tried, too.
  ///   - events: whose callbacks are left out.
  func without(
    _ isOut: (ScriptFile) -> Bool, with others: [ScriptFile] = [], events: Set<CallbackEvent> = []
  ) -> MigrationFiles {
    var files = self
    files.migrations = (migrations + others).filter { !isOut($0) }
    for event in events { files.callbacks[event] = nil }
    return files
  }

  /// A location that is not there.
  private mutating func passOver(
    _ place: ScriptLocation, _ settings: MigrationSettings, _ directory: String
  ) throws(MigrationError) {
    if place.isClasspath {
      if settings.flag("failOnMissingLocations") { throw .missingClasspath(place.path) }
      warnings.append("location classpath:\(place.path) is passed over: there is no Java here")
      return
    }
    let absolute = LocalPath.absolute(place.root, in: directory)
    if settings.flag("failOnMissingLocations") {
      throw .missingLocation(place.path, absolute: absolute, workingDirectory: directory)
    }
    warnings.append("location filesystem:\(place.path) is not there (\(absolute)); it is passed over")
  }

  private static func locationList(_ texts: [String]) throws(MigrationError) -> [ScriptLocation] {
    var places: [ScriptLocation] = []
    for text in texts { places.append(try ScriptLocation(text)) }
    return ScriptLocation.withoutNested(places)
  }

  private mutating func add(callbacks files: [ScriptFile]) throws(MigrationError) {
    for file in files {
      guard case .callback(let event, _) = file.name else { continue }
      let stem = LocalPath.stem(of: file.fileName)
      if let twin = callbacks[event]?.first(where: { LocalPath.stem(of: $0.fileName) == stem }) {
        throw .duplicateCallback(stem, [twin.absolutePath, file.absolutePath])
      }
      callbacks[event, default: []].append(file)
    }
    for (event, scripts) in callbacks {
      callbacks[event] = scripts.sorted {
        $0.callbackDescription.utf16.lexicographicallyPrecedes($1.callbackDescription.utf16)
      }
    }
  }

  private static func refuseInvalid(_ found: [ScriptFile]) throws(MigrationError) {
    var reasons: [String] = []
    for file in found {
      if case .invalid(let reason) = file.name { reasons.append(reason) }
    }
    if !reasons.isEmpty { throw .invalidNames(reasons) }
  }

  /// Nil when the location's folder is not there. One below it that cannot be read is no error but a warning:
  /// a volume has its `lost+found`.
  private static func scripts(
    at place: ScriptLocation, _ naming: NamingRules, _ directory: String, _ warnings: inout [String]
  ) throws(MigrationError) -> [ScriptFile]? {
    if place.isClasspath { return nil }
    let root = LocalPath.absolute(place.root, in: directory)
    // A pattern without a fixed folder in front finds nothing (Flyway 13).
    if place.isPattern, place.root.isEmpty || place.root == "/" { return [] }
    guard LocalFile.kind(of: root) == .folder else { return nil }
    var found: [ScriptFile] = []
    var above = Set<LocalFile.Identity>()
    func visit(_ folder: String, _ below: [String]) throws(MigrationError) {
      let identity = LocalFile.identity(of: folder)
      if let identity, !above.insert(identity).inserted {
        warnings.append("\(folder) is a link to a folder above it; it is passed over")
        return
      }
      defer { if let identity { above.remove(identity) } }
      let names: [String]
      do throws(LocalFile.Unreadable) {
        names = try LocalFile.names(in: folder)
      } catch {
        if below.isEmpty { throw .unreadableLocation(folder, reason: error.reason) }
        warnings.append("\(folder) cannot be read: \(error.reason); it is passed over")
        return
      }
      let configurations = Set(names.filter { $0.hasSuffix(ScriptFile.configurationSuffix) })
      for name in names {
        let absolute = folder == "/" ? "/" + name : folder + "/" + name
        let relative = below + [name]
        switch LocalFile.kind(of: absolute) {
        case .folder: if !name.hasPrefix(".") { try visit(absolute, relative) }
        case .file:
          guard let parsed = MigrationName.parse(name, naming), let script = place.script(of: relative) else {
            continue
          }
          let path =
            (place.root.hasSuffix("/") ? place.root : place.root + "/") + relative.joined(separator: "/")
          found.append(
            ScriptFile(
              script: script, path: path, absolutePath: absolute, name: parsed,
              isConfigured: configurations.contains(name + ScriptFile.configurationSuffix)))
        case nil:
          // Flyway passes over it without a word, and then nobody knows why a migration is not there.
          guard naming.isScript(name), LocalFile.isNamed(absolute) else { continue }
          warnings.append("\(absolute) is no file, nor a link to one; it is passed over")
        }
      }
    }
    try visit(root, [])
    return found
  }
}

extension ScriptFile {
  var callbackDescription: String {
    if case .callback(_, let description) = name { description } else { "" }
  }
}

extension LocalPath {
  /// The file's name without its suffix.
  static func stem(of name: String) -> String {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
    return String(name[..<dot])
  }
}
