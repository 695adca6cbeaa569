import Migrations
import Testing

@Suite("Durations")
struct DurationTests {
  @Test(
    "durations are a number and a unit; a bare number is seconds",
    arguments: [
      ("500ms", 500), ("3s", 3_000), ("3", 3_000), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000),
      ("1d", 86_400_000), ("0", 0), ("0s", 0), (" 3 s ", 3_000), ("0.1ms", 1),
    ] as [(String, UInt64)])
  func durations(text: String, milliseconds: UInt64) {
    #expect(DurationText.milliseconds(text) == milliseconds)
  }

  @Test(
    "what is no duration is refused",
    arguments: ["", "s", "3 sec", "-1s", "1,5s", "1.2.3s", ".5s", "5.", "4000d", "1e9s", "inf", "٣s", "3S"])
  func noDurations(text: String) {
    #expect(DurationText.milliseconds(text) == nil)
  }
}
