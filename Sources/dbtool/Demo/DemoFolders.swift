import DatabaseTools
import Glibc

/// Where the shop's migrations and seeds are: in the working directory, else in a folder above the executable
/// (it is built inside its checkout).
struct DemoFolders {
  /// The folder that holds `migrations/` and `seeds/`.
  let root: String

  var seedPlan: String { root + "/" + SeedPlanFile.defaultPath }

  static func find() throws(Failure) -> DemoFolders {
    var candidates: [String] = []
    if let here = realpath(".", nil) {
      candidates.append(String(cString: here))
      free(here)
    }
    if let program = realpath("/proc/self/exe", nil) {
      var path = String(cString: program)[...]
      free(program)
      while let slash = path.lastIndex(of: "/") {
        path = path[..<slash]
        candidates.append(String(path))
      }
    }
    for root in candidates
    where access(root + "/migrations/V1__catalogue.sql", R_OK) == 0
      && access(root + "/" + SeedPlanFile.defaultPath, R_OK) == 0
    {
      return DemoFolders(root: root)
    }
    throw Failure(
      "the storefront's files are not here: migrations/ and \(SeedPlanFile.defaultPath)",
      detail: "looked in the working directory and in every folder above the executable",
      hint: "run it in a checkout of dbtool: make demo")
  }
}
