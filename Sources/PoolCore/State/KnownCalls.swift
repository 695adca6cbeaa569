/// Words that stand before a parenthesis in nearly every query and change nothing in a session: keywords, and
/// functions of the server that are used a lot. Not a list of all: a name that is missing costs one question to the
/// catalogue (``FunctionBook``). What does change a session (`set_config`, `nextval`, …) is here, too, since
/// ``EffectScanner`` knows it by itself.
enum KnownCalls {
  /// By first letter, in lower case; no other name begins otherwise.
  private static let byLetter: [[String]] = {
    var lists = [[String]](repeating: [], count: 26)
    for word in words.split(whereSeparator: \.isWhitespace) {
      guard let first = word.utf8.first else { continue }
      lists[Int(first) - 97].append(String(word))
    }
    return lists
  }()

  static func contains(_ text: Span<UInt8>, from start: Int, to end: Int) -> Bool {
    let letter = Int(text[start] | 0x20) - 97
    guard letter >= 0, letter < 26 else { return false }
    for word in byLetter[letter] where word.utf8.count == end - start {
      let letters = word.utf8Span.span
      var index = 0
      while index < letters.count {
        let byte = text[start + index]
        if (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) != letters[index] { break }
        index += 1
      }
      if index == letters.count { return true }
    }
    return false
  }

  private static let words = """
    abs add age all analyze and any array array_agg array_append array_length array_position array_remove
    array_to_string as avg
    begin between bit bit_length bool_and bool_or btrim by
    call cardinality case cast ceil ceiling char character char_length character_varying check chr clock_timestamp
    close coalesce columns concat concat_ws conflict constraint count cross cube currval current_database
    current_schema current_schemas current_setting
    date date_part date_trunc dec decimal default degrees delete dense_rank distinct div do
    each else elsif encode end every exclude execute exists exit exp extract
    fetch filter first_value float floor following for foreign format from full
    gen_random_uuid generate_series generated get_byte greatest group grouping groups
    having
    if ilike in index inner insert intersect interval into is isfinite
    join json_agg json_array_elements json_array_length json_build_array json_build_object json_each json_extract_path
    json_object_agg jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_object_agg jsonb_object_keys
    jsonb_path_query jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_typeof justify_interval
    key
    lag last_value lastval lateral lead least left length like limit ln localtime localtimestamp log loop lower lpad
    ltrim
    make_date make_interval make_timestamp materialized max md5 min mod
    nextval not now nth_value ntile nullif numeric
    octet_length offset on only or order over overlay
    partition percent_rank percentile_cont percentile_disc pg_advisory_lock pg_advisory_lock_shared
    pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock
    pg_advisory_xact_lock_shared pg_backend_pid pg_get_expr pg_get_indexdef pg_get_constraintdef pg_get_userbyid
    pg_is_in_recovery pg_listening_channels pg_notify pg_relation_size pg_size_pretty pg_sleep pg_table_is_visible pg_total_relation_size
    pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
    pg_typeof plainto_tsquery position power precision preceding primary
    quote_ident quote_literal quote_nullable
    radians raise random rank recursive references regexp_match regexp_matches regexp_replace regexp_split_to_array
    repeat replace return returning returns reverse right rollup round row row_number row_to_json rows rpad rtrim
    select set set_config sets setof setseed setval shared sign similar simple some split_part sqrt starts_with
    statement_timestamp storage string_agg string_to_array strpos substr substring sum symmetric
    table tablesample temporary text then time timeofday timestamp timestamptz to to_char to_date to_json to_jsonb
    to_number to_regclass to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trunc ts_rank
    txid_current
    unbounded union unique unnest update upper using
    values varchar varying verbose version
    websearch_to_tsquery when where while width_bucket window with within
    xmlagg xmlelement
    """
}
