package import Foundation
private import Glibc

/// A terminal that nobody sits at: a program writes to it, and the test reads what it drew.
package final class TestTerminal {
  private let keeper: FileHandle
  /// The program's end.
  package let handle: FileHandle
  private var bytes: [UInt8] = []

  package struct Unavailable: Error { let reason: String }

  // Linux's TIOCSPTLCK and TIOCGPTN, which Glibc's module leaves out: they are macros with a type in them.
  private static let setLock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430

  /// - Parameter columns: how wide it says it is.
  package init(columns: UInt16 = 200) throws {
    let number = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var locked: Int32 = 0
    var index: UInt32 = 0
    guard number >= 0, ioctl(number, Self.setLock, &locked) == 0, ioctl(number, Self.getNumber, &index) == 0
    else { throw Unavailable(reason: String(cString: strerror(errno))) }
    keeper = FileHandle(fileDescriptor: number, closeOnDealloc: true)
    let other = open("/dev/pts/\(index)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard other >= 0 else { throw Unavailable(reason: String(cString: strerror(errno))) }
    handle = FileHandle(fileDescriptor: other, closeOnDealloc: true)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(other, UInt(TIOCSWINSZ), &size)
    _ = fcntl(number, F_SETFL, O_NONBLOCK)
  }

  /// All that was written so far, control sequences included.
  package var text: String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(keeper.fileDescriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// As if somebody typed it.
  package func type(_ text: String) throws { try keeper.write(contentsOf: Data(text.utf8)) }

  /// Another width from now on.
  package func resize(columns: UInt16, rows: UInt16 = 24) {
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(handle.fileDescriptor, UInt(TIOCSWINSZ), &size)
  }

  /// Whether what is typed is shown.
  package var echoes: Bool {
    var state = termios()
    return tcgetattr(handle.fileDescriptor, &state) == 0 && state.c_lflag & tcflag_t(ECHO) != 0
  }
}
