import Migrations
import Testing

@Suite("What two schema dumps differ in") struct SchemaDifferenceTests {
  let dump = """
    --
    -- PostgreSQL database dump
    --

    \\restrict 8rRVgKzZ

    SET statement_timeout = 0;
    SELECT pg_catalog.set_config('search_path', '', false);

    --
    -- Name: a; Type: TABLE; Schema: public; Owner: postgres
    --

    CREATE TABLE public.a (
        id integer
    );

    ALTER TABLE public.a OWNER TO postgres;

    \\unrestrict 8rRVgKzZ
    """

  @Test("equal schemas differ in nothing, whatever random words and settings the dumps have")
  func equal() {
    let other = dump.replacing("8rRVgKzZ", with: "Qx").replacing(
      "statement_timeout = 0", with: "lock_timeout = 1")
    #expect(SchemaDifference(from: dump, to: other).isEmpty)
  }

  @Test("a changed line is told with its object, what is gone first")
  func changed() {
    let other = dump.replacing("id integer", with: "id bigint")
    #expect(
      SchemaDifference(from: dump, to: other).lines == ["table a:", "-     id integer", "+     id bigint"])
  }

  @Test("an object that was left behind is told whole")
  func leftBehind() {
    let more = """
      -- Name: f(); Type: FUNCTION; Schema: public; Owner: postgres
      CREATE FUNCTION public.f() RETURNS integer
          AS 'SELECT 1';
      """
    #expect(
      SchemaDifference(from: dump, to: dump + "\n" + more).lines == [
        "function f():", "+ CREATE FUNCTION public.f() RETURNS integer", "+     AS 'SELECT 1';",
      ])
  }
}
