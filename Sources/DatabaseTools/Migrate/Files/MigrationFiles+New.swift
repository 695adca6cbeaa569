import Glibc
package import Migrations

extension MigrationFiles {
  /// A migration's file that was made.
  package struct Created: Sendable {
    package var migration: NewMigration
    /// For people: location and name.
    package var path: String
    package var absolutePath: String
  }

  /// Makes a migration's file in the first location; an undo script beside what it takes back. A file that is there
  /// stays as it is.
  /// - Throws: `Failure`; nothing has been written then.
  package static func create(
    _ request: NewMigration.Request, _ settings: MigrationSettings
  ) throws(Failure) -> Created {
    let directory = LocalPath.absolute(
      settings.optional("workingDirectory") ?? "", in: LocalPath.workingDirectory())
    let locations = MigrationSession.locations(settings, directory) { _ in }
    let files: MigrationFiles
    let place: ScriptLocation
    do throws(MigrationError) {
      files = try scan(settings, locations: locations, in: directory)
      place = try ScriptLocation(locations.first ?? "")
    } catch {
      throw Failure(error)
    }
    let scripts = files.migrations + files.undos
    let migration: NewMigration
    do throws(NewMigrationProblem) {
      migration = try NewMigration(
        request, existing: scripts.map { NewMigration.Existing(name: $0.name, path: $0.path) },
        settings.naming, now: now)
    } catch {
      throw Failure(
        error.message, hint: error.hint,
        exitCode: error.isOfTheCall ? ExitStatus.usage : ExitStatus.failed)
    }
    let folder: String
    if let target = migration.takesBack {
      folder = LocalPath.folder(of: target.path)
    } else {
      folder = try self.folder(place, settings, directory)
    }
    let path = folder + "/" + migration.fileName
    let absolute = LocalPath.absolute(path, in: directory)
    try LocalFile.write(migration.heading + "\n", to: absolute, isNew: true)
    return Created(migration: migration, path: path, absolutePath: absolute)
  }

  /// The location's folder. The one that is the default is made; a named one that is not there may be mistyped.
  private static func folder(
    _ place: ScriptLocation, _ settings: MigrationSettings, _ directory: String
  ) throws(Failure) -> String {
    if place.isPattern || place.isClasspath {
      throw Failure(
        "\(place.path) is no folder that a file could be put into",
        hint: "name one: --locations filesystem:PATH", exitCode: ExitStatus.usage)
    }
    let absolute = LocalPath.absolute(place.root, in: directory)
    if LocalFile.kind(of: absolute) == .folder { return place.root }
    guard settings.list("locations").isEmpty else {
      throw Failure(
        "the location \(place.path) is not there (\(absolute))", hint: "make it: mkdir -p \(absolute)")
    }
    if mkdir(absolute, 0o777) != 0 {
      throw Failure("\(absolute) cannot be made: \(String(cString: strerror(errno)))")
    }
    return place.root
  }

  /// UTC, so that a team's files are in order wherever they are made.
  private static var now: String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)" + two(parts.tm_mon + 1) + two(parts.tm_mday) + two(parts.tm_hour)
      + two(parts.tm_min) + two(parts.tm_sec)
  }
}
