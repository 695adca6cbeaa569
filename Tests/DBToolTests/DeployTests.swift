import DatabaseTools
import Foundation
import PoolServer
import Testing

@testable import dbtool

@Suite("deploy/") struct DeployTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let sidecar = root.appending(path: "deploy/kubernetes/sidecar.yaml")
  private static let service = root.appending(path: "deploy/systemd/dbtool-pool.service")

  private func text(_ file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }

  /// The lines that stand indented below this one, without their indent.
  private func block(_ head: String, in text: String) throws -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.drop { $0 == " " } == head })
    let body = lines[(start + 1)...].prefix { $0.isEmpty || $0.hasPrefix("    ") }
    return body.map { String($0.dropFirst(4)) }.joined(separator: "\n")
  }

  @Test("the sidecar's configuration is one that the pool takes, ready for probes from outside the pod")
  func configuration() throws {
    let yaml = try text(Self.sidecar)
    let folder = try Folder()
    let secret = "\(folder.path)/secret.json"
    let json = try #require(yaml.firstMatch(of: /secret\.json: '(.+)'/))
    try String(json.output.1).write(toFile: secret, atomically: true, encoding: .utf8)
    let toml = try block("dbtool.toml: |", in: yaml).replacing("/etc/dbtool/secret/secret.json", with: secret)
    let settings = try PoolConfiguration(
      flags: [:], environment: [:], document: PoolDocument(path: "dbtool.toml", text: toml)
    ).settings
    #expect(settings.users.map(\.name) == ["app"])
    #expect(settings.listeners == [.tcp(host: "127.0.0.1", port: 6432)])
    #expect(settings.http?.host == "0.0.0.0")
    #expect(settings.http?.port == 9137)
    // The pod lives longer than the pool may take to drain.
    let grace = try #require(yaml.firstMatch(of: /terminationGracePeriodSeconds: (\d+)/))
    #expect(UInt64(grace.output.1).map { $0 * 1_000 > settings.drainDelay + settings.drainTimeout } == true)
  }

  @Test("its documents are YAML, and the pool is a native sidecar as an ordinary user, with all three probes")
  func yaml() throws {
    let program = """
      import sys, yaml
      kinds = {d["kind"]: d for d in yaml.safe_load_all(open(sys.argv[1]))}
      pod = kinds["Deployment"]["spec"]["template"]["spec"]
      pool = pod["initContainers"][0]
      assert pool["restartPolicy"] == "Always"
      assert pool["args"][0] == "pool"
      assert pool["startupProbe"]["httpGet"]["path"] == "/readyz"
      assert pool["livenessProbe"]["httpGet"]["path"] == "/livez"
      assert pool["readinessProbe"]["httpGet"]["path"] == "/readyz"
      assert pool["securityContext"]["readOnlyRootFilesystem"] and not pool["securityContext"]["allowPrivilegeEscalation"]
      assert pod["securityContext"]["runAsNonRoot"]
      volumes = {v["name"] for v in pod["volumes"]}
      assert all(m["name"] in volumes for m in pool["volumeMounts"])
      assert kinds["Secret"]["metadata"]["name"] == [v for v in pod["volumes"] if "secret" in v][0]["secret"]["secretName"]
      """
    guard try run("python3", ["-c", "import yaml"]).status == 0 else { return }
    let result = try run("python3", ["-c", program, Self.sidecar.path])
    #expect(result.status == 0, "\(result.output)")
  }

  @Test("systemd finds nothing wrong with the service, but that dbtool is not installed here")
  func service() throws {
    let unit = try text(Self.service)
    for line in ["Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "KillMode=mixed"] {
      #expect(unit.contains("\n\(line)\n"))
    }
    guard try run("systemd-analyze", ["--version"]).status == 0 else { return }
    let folder = try Folder()
    let copy = "\(folder.path)/dbtool-pool.service"
    try unit.replacing("/usr/local/bin/dbtool", with: "/bin/true").write(
      toFile: copy, atomically: true, encoding: .utf8)
    let result = try run("systemd-analyze", ["verify", copy])
    #expect(!result.output.contains("dbtool-pool.service"), "\(result.output)")
  }

  /// 127 when there is no such program.
  private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: said, as: UTF8.self))
  }
}

/// A folder of one test, which goes with this object.
private final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "deploy-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
