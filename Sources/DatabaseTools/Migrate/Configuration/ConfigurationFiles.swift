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
      if name == "-" {
        // As Flyway: a configuration in the conf form that somebody writes into us.
        explicit.append("/dev/stdin")
        continue
      }
      // From the current folder, as Flyway has it; else from the one that relative paths start from.
      let near = LocalPath.absolute(name, in: current)
      let path = LocalFile.kind(of: near) == .file ? near : LocalPath.absolute(name, in: directory)
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
    let confs = present(["flyway.conf"]) + explicitConf
    found.isTOML = !(tomls + explicitTOML).isEmpty
    found.paths = found.isTOML ? tomls + explicitTOML : confs
    if found.isTOML, !confs.isEmpty {
      found.warnings.append(
        "\(confs.joined(separator: ", ")): not read, because there is \(found.paths.joined(separator: ", "))")
    }
    return found
  }
}
