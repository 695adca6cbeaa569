/// Values that are worth a better message than libpq's, checked before anything is connected.
enum LibPQParameter {
  static let sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

  static func check(_ source: TargetSource) throws(Failure) {
    if let mode = source.parameters["sslmode"], !sslModes.contains(mode) {
      throw .usage(
        "\(source.name): sslmode is none of \(sslModes.joined(separator: ", "))",
        hint: "sslmode=require encrypts, sslmode=verify-full checks the server's name too")
    }
    if let port = source.port {
      for item in port.split(separator: ",", omittingEmptySubsequences: false)
      where !item.isEmpty && !URLParts.isPort(item) {
        throw .usage("\(source.name): the port is not a number from 1 to 65535")
      }
    }
    let seconds = source.parameters["connect_timeout"]
    if let seconds, Int32(seconds) == nil {
      throw .usage("\(source.name): connect_timeout is not a number of seconds")
    }
  }
}
