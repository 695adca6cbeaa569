/// A DataRow message, walked column by column. Offsets are absolute in the bytes that it was read from.
@usableFromInline
package struct DataRowView: Equatable, Sendable {
  /// How many columns the row says it has: 0…65,535.
  @usableFromInline package let columnCount: Int
  /// Where the first column starts: give it to ``column(in:at:)``.
  @usableFromInline package let columnsStart: Int
  @usableFromInline package let frameEnd: Int

  @inlinable
  init(columnCount: Int, columnsStart: Int, frameEnd: Int) {
    self.columnCount = columnCount
    self.columnsStart = columnsStart
    self.frameEnd = frameEnd
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is too
  /// short to hold the count. Columns are checked when they are walked.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> DataRowView? {
    guard let end = PostgresWire.frameEnd(in: bytes, at: offset, length: length),
      length >= FrameHeader.size + 2,
      let count = readUInt16(in: bytes, at: offset + FrameHeader.size)
    else { return nil }
    return DataRowView(
      columnCount: Int(count), columnsStart: offset + FrameHeader.size + 2, frameEnd: end)
  }

  /// The column that starts at `offset`, or nil when it does not lie inside the frame.
  @inlinable
  package func column(in bytes: Span<UInt8>, at offset: Int) -> ColumnView? {
    guard offset >= columnsStart, frameEnd - offset >= 4, let size = readInt32(in: bytes, at: offset),
      size >= -1
    else { return nil }
    guard size >= 0 else {
      return ColumnView(valueStart: offset + 4, valueEnd: offset + 4, isNull: true)
    }
    guard Int(size) <= frameEnd - offset - 4 else { return nil }
    return ColumnView(valueStart: offset + 4, valueEnd: offset + 4 + Int(size), isNull: false)
  }

  /// The row's columns as text, nil for NULL; or nil when the row is malformed. Cold path only.
  package func texts(in bytes: Span<UInt8>) -> [String?]? {
    var texts: [String?] = []
    var position = columnsStart
    for _ in 0..<columnCount {
      guard let column = column(in: bytes, at: position) else { return nil }
      texts.append(column.isNull ? nil : copiedText(in: bytes, from: column.valueStart, to: column.valueEnd))
      position = column.valueEnd
    }
    return position == frameEnd ? texts : nil
  }
}

/// One value of a DataRow. The next column starts at ``valueEnd``.
@usableFromInline
package struct ColumnView: Equatable, Sendable {
  @usableFromInline package let valueStart: Int
  @usableFromInline package let valueEnd: Int
  @usableFromInline package let isNull: Bool

  @inlinable
  init(valueStart: Int, valueEnd: Int, isNull: Bool) {
    self.valueStart = valueStart
    self.valueEnd = valueEnd
    self.isNull = isNull
  }
}
