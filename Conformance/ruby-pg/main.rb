# ruby-pg: libpq's whole interface; prepared statements as Rails names and frees them.
require "json"
require "pg"

Encoding.default_external = Encoding.default_internal = "UTF-8"
$stdout.sync = true
OPEN = {}

def connect(**more)
  connection = PG.connect(ENV["DATABASE_URL"], **more) if more.empty?
  connection ||= PG.connect(host: ENV["PGHOST"], port: ENV["PGPORT"], dbname: ENV["PGDATABASE"], user: ENV["PGUSER"], password: ENV["PGPASSWORD"], **more)
  connection.instance_variable_set(:@notes, [])
  connection.set_notice_processor { |note| connection.instance_variable_get(:@notes) << note }
  connection
end

def shown(connection, result)
  notes = connection.instance_variable_get(:@notes)
  answer = [result.cmd_status, result.fields, result.fields.each_index.map { |i| result.ftype(i) < 16384 ? result.ftype(i) : 0 }, result.values, notes.dup,
            connection.transaction_status]
  notes.clear
  answer
end

def describe(error)
  fields = [PG::Result::PG_DIAG_SQLSTATE, PG::Result::PG_DIAG_MESSAGE_PRIMARY, PG::Result::PG_DIAG_MESSAGE_DETAIL, PG::Result::PG_DIAG_STATEMENT_POSITION]
  ["error", error.class.name, error.respond_to?(:result) && error.result ? fields.map { |f| error.result.error_field(f) } : error.message]
end

def caught
  yield
rescue StandardError => error
  describe(error)
end

def with(**more)
  connection = connect(**more)
  yield connection
ensure
  connection&.close
end

OWN = {
  "rails_statements" => lambda {
    with do |c|
      answers = []
      (1..12).each do |i|
        c.prepare("a#{i}", "SELECT #{i}, $1::int")
        answers << c.exec_prepared("a#{i}", [i]).values
        answers << c.exec_prepared("a1", [i]).values
      end
      (2..12).each { |i| c.exec("DEALLOCATE a#{i}") }
      answers << caught { c.exec_prepared("a5", [1]) }
      c.prepare("a5", "SELECT 'new'")
      answers << c.exec_prepared("a5").values
      answers << caught { c.prepare("a5", "SELECT 'twice'") }
      answers << c.exec_prepared("a1", [99]).values
    end
  },
  "describe" => lambda {
    with do |c|
      c.prepare("d", "SELECT $1::int AS x, $2::text AS y")
      r = c.describe_prepared("d")
      [r.nparams, r.paramtype(0), r.paramtype(1), r.fields, caught { c.describe_prepared("none") }, c.exec_prepared("d", [1, "z"]).values]
    end
  },
  "portals" => lambda {
    with do |c|
      c.transaction do
        c.exec("DECLARE p CURSOR FOR SELECT generate_series(1, 10) AS n")
        [c.describe_portal("p").fields, c.exec("FETCH 3 FROM p").values, caught { c.describe_portal("q") }]
      end
    end
  },
  "pipeline" => lambda {
    with do |c|
      c.enter_pipeline_mode
      c.send_query_params("SELECT 1", [])
      c.send_query_params("SELECT 1/0", [])
      c.send_query_params("SELECT 'skipped'", [])
      c.pipeline_sync
      c.send_query_params("SELECT 'next'", [])
      c.send_flush_request
      c.pipeline_sync
      # A nil ends one query's results; the second of two syncs ends all.
      answers = []
      until answers.count(PG::PGRES_PIPELINE_SYNC) == 2 || answers.size > 40
        r = c.get_result
        answers << (r && (r.result_status == PG::PGRES_TUPLES_OK ? r.values : r.result_status))
      end
      c.exit_pipeline_mode
      [answers, c.exec("SELECT 'after'").values]
    end
  },
  "single_row_mode" => lambda {
    with do |c|
      c.send_query("SELECT generate_series(1, 20); SELECT 'b'")
      c.set_single_row_mode
      answers = []
      while (r = c.get_result)
        answers << [r.result_status, r.values]
      end
      answers
    end
  },
  "transactions" => lambda {
    with do |c|
      c.exec("CREATE TABLE rb_t (i int)")
      answers = []
      c.transaction { c.exec("INSERT INTO rb_t VALUES (1)") }
      answers << caught { c.transaction { c.exec("INSERT INTO rb_t VALUES (2)"); raise "own error" } }
      answers << caught { c.transaction { c.exec("SELECT 1/0") } }
      answers << c.exec("SELECT * FROM rb_t").values
      c.exec("DROP TABLE rb_t")
      answers
    end
  },
  "copy" => lambda {
    with do |c|
      c.exec("CREATE TABLE rb_copy (i int, t text)")
      c.copy_data("COPY rb_copy FROM STDIN") { 3000.times { |i| c.put_copy_data("#{i}\tx\n") } }
      size = 0
      c.copy_data("COPY rb_copy TO STDOUT") { while (row = c.get_copy_data); size += row.size; end }
      answers = [size]
      answers << caught { c.copy_data("COPY rb_copy FROM STDIN") { c.put_copy_data("x\ty\n") } }
      answers << caught { c.copy_data("COPY rb_copy FROM STDIN") { raise "gives up" } }
      answers << caught { c.copy_data("COPY rb_copy TO STDOUT") { c.get_copy_data; raise "seen enough" } }
      answers << c.exec("SELECT count(*) FROM rb_copy").values
      c.exec("DROP TABLE rb_copy")
      answers
    end
  },
  "notifications" => lambda {
    listener, sender = connect, connect
    listener.exec("LISTEN rb_news")
    sender.exec("NOTIFY rb_news, 'one'")
    answers = []
    listener.wait_for_notify(15) { |channel, pid, payload| answers << [channel, payload, pid == sender.backend_pid] }
    listener.exec("NOTIFY rb_news, 'own'")
    listener.wait_for_notify(15) { |channel, pid, payload| answers << [channel, payload, pid == listener.backend_pid] }
    listener.close
    sender.close
    answers
  },
  "cancel" => lambda {
    with do |c|
      answers = []
      3.times do
        c.send_query("SELECT pg_sleep(20)")
        sleep 0.1
        answers << c.cancel
        answers << caught { c.get_last_result.values }
        answers << c.exec("SELECT 1").values
      end
      answers
    end
  },
  "reset" => lambda {
    with do |c|
      c.exec("SET work_mem = '5MB'")
      c.reset
      [c.exec("SHOW work_mem").values, c.exec("SELECT 1").values]
    end
  },
  "parameters" => lambda {
    with(application_name: "rb", options: "-c work_mem=6MB -c DateStyle=German") do |c|
      names = %w[server_version client_encoding DateStyle TimeZone application_name standard_conforming_strings in_hot_standby is_superuser]
      (1..3).map { [c.exec("SELECT current_setting('work_mem'), current_setting('DateStyle')").values, names.map { |n| c.parameter_status(n) }] }
    end
  },
  "encoding" => lambda {
    with do |c|
      c.set_client_encoding("LATIN1")
      answers = (1..3).map { c.exec("SELECT chr(233), current_setting('client_encoding')").values.inspect }
      c.internal_encoding = "UTF-8"
      answers + (1..3).map { c.exec("SELECT chr(233), current_setting('client_encoding')").values.inspect }
    end
  },
  "large_values" => lambda {
    with do |c|
      value = "v" * (8 << 20)
      r = c.exec_params("SELECT length($1::text), repeat('z', 3000000)", [value]).values
      [r[0][0], r[0][1].size]
    end
  },
  "binary_parameters" => lambda {
    with do |c|
      r = c.exec_params("SELECT $1::int4 + 1, $2::bytea", [{ value: [41].pack("N"), type: 23, format: 1 }, { value: "\x00\xff".b, type: 17, format: 1 }], 1)
      r.values.map { |row| row.map { |v| v.unpack1("H*") } }
    end
  },
  "terminated" => lambda {
    c = connect
    answers = [caught { c.exec("SELECT pg_terminate_backend(pg_backend_pid())") }, caught { c.exec("SELECT 1") }[0..1], c.status]
    c.reset
    answers << c.exec("SELECT 2").values
    c.close
    answers
  },
}.freeze

def step(name, verb, sql, *words)
  case verb
  when "list" then return OWN.keys.join(" ")
  when "own" then return JSON.generate(OWN[sql].call)
  when "end"
    OPEN.each_value { |c| c.close rescue nil }
    OPEN.clear
    return "end"
  when "close"
    OPEN.delete(name).close
    return "closed"
  end
  connection = OPEN[name] ||= connect
  values = words.map { |w| w == "n" ? nil : w[1..] }
  result = verb == "ask" ? connection.exec_params(sql, values) : connection.exec(verb == "run" ? sql : verb.upcase)
  JSON.generate(shown(connection, result))
end

while (line = $stdin.gets)
  words = line.chomp.split("\t", -1).map { |w| w.gsub(/\\(.)/) { { "t" => "\t", "n" => "\n" }[$1] || $1 } }
  answer = caught { step(*words) }
  puts (answer.is_a?(String) ? answer : JSON.generate(answer)).gsub("\n", "\\n")
end
