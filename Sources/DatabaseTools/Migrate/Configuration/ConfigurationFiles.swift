import Migrations

/// Which configuration files there are, the weakest first.
struct ConfigurationFiles {
  var paths: [String] = []
  var isTOML = false
  var warnings: [String] = []

  /// Looks in the image's folder, the home folder, the current and the working folder, and adds those that
  /// the command line names. One TOML file makes all conf files of the folders void, as Flyway has it.
  static func find(named: [String], _ directory: String) throws(MigrationFailure) -> ConfigurationFiles {
    let current = LocalPath.workingDirectory()
    var found = ConfigurationFiles()
    var folders = ["/flyway/conf"]
    for folder in [LocalPath.home(), current, directory] {
      if let folder, !folders.contains(folder) { folders.append(folder) }
    }
    func present(_ names: [String]) -> [String] {
      folders.flatMap { folder in names.map { folder + "/" + $0 } }.filter { LocalFile.kind(of: $0) == .file }
    }
    let tomls = present(["flyway.toml", "flyway.user.toml"])
    var explicit: [String] = []
    for name in named {
      let path = LocalPath.absolute(name, in: directory)
      if LocalFile.kind(of: path) == .file {
        explicit.append(path)
      } else {
        found.warnings.append("the configuration file \(path) is not there")
      }
    }
    let explicitTOML = explicit.filter { ConfigurationFile.isTOML($0) }
    let explicitConf = explicit.filter { !ConfigurationFile.isTOML($0) }
    if !explicitTOML.isEmpty, !explicitConf.isEmpty {
      throw MigrationFailure(.tomlAndConf(toml: explicitTOML, conf: explicitConf))
    }
    found.isTOML = explicitConf.isEmpty && !(tomls + explicitTOML).isEmpty
    if found.isTOML {
      found.paths = tomls + explicitTOML
    } else {
      found.paths = present(["flyway.conf"]) + explicitConf
      if !tomls.isEmpty {
        found.warnings.append("\(tomls.joined(separator: ", ")): not read, because a conf file was named")
      }
    }
    return found
  }
}
