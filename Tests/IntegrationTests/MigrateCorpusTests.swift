import TestSupport
import Testing

@Suite("What the real Flyway did, dbtool does")
struct MigrateCorpusTests {
  @Test("in every step of a recorded project", arguments: MigrateCorpus.projects)
  func project(_ name: String) throws {
    let differences = try SharedPostgres.withDatabase { try MigrateCorpus.differences(of: name, on: $0) }
    #expect(differences == [])
  }

  @Test("and the recordings are there")
  func present() {
    #expect(MigrateCorpus.projects.count >= 4)
  }
}
