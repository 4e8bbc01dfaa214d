import Testing

/// Lines of a spec, and the problems they have: `line:column: message. Advice`.
struct SpecProblemExample: Sendable, CustomTestStringConvertible {
    let lines: String
    let problems: [String]
    var testDescription: String { lines }

    init(_ lines: String, _ problems: String...) {
        self.lines = lines
        self.problems = problems
    }
}

extension SpecProblemExample {
    static let structure = [
        SpecProblemExample(
            "nam: x\nname: customers",
            "1:1: unknown key \"nam\". Did you mean \"name\"?"
        ),
        SpecProblemExample(
            "history_limit: 5000",
            "1:1: unknown key \"history_limit\". Did you mean \"history-limit\"?"
        ),
        SpecProblemExample(
            "colour: red",
            "1:1: unknown key \"colour\". Known are name, engine, source, queries, consistent, stage, lanes, buckets, batch, executors, history-limit, tolerate, error-budget, retry, pace, probes, window, sinks, before, after, on-success and on-failure."
        ),
        SpecProblemExample(
            "name: [a]",
            "1:7: name: expected a name, found a list. Write a name here."
        ),
        SpecProblemExample(
            "name: a b",
            "1:7: name: text \"a b\" cannot be a name. Use letters, digits, _ and -, at most 64, and no - in front."
        ),
        SpecProblemExample(
            "name: \"a\\0b\"",
            "1:7: name: holds a NUL character. Take it out: names and paths end at it."
        ),
        SpecProblemExample(
            "name: -a",
            "1:7: name: text \"-a\" cannot be a name. Use letters, digits, _ and -, at most 64, and no - in front."
        ),
        SpecProblemExample(
            "name:",
            "1:6: name: has no value. Give it one, or take the key out if it is not needed."
        ),
        SpecProblemExample(
            "name: \"\"",
            "1:7: name: is empty. Give it a value."
        ),
        SpecProblemExample(
            "? [a, b]\n: c",
            "1:3: a key that is itself a list or a mapping. Write a word as the key."
        ),
        SpecProblemExample(
            "queries: all.sql",
            "1:10: queries: expected a list of queries, found text \"all.sql\". Begin each entry with `- ` on a line of its own."
        ),
        SpecProblemExample(
            "queries: []",
            "1:10: queries: there is no query. Add one, such as `- {name: all, sql: all.sql, key: id}`."
        ),
        SpecProblemExample(
            "queries: [{}]",
            "1:11: queries: \"name\" is missing. Add it, such as `name: all`.",
            "1:11: queries: \"sql\" is missing. Add it, such as `sql: queries/all.sql`.",
            "1:11: queries: \"key\" is missing. Add it, such as `key: id`."
        ),
        SpecProblemExample(
            "queries: [{name: a, sql: SELECT 1, key: id}, {name: a, sql: SELECT 2, key: id}]",
            "1:53: queries.name: the query in line 1 has the same name. Give each query a name of its own."
        ),
        SpecProblemExample(
            "sinks: {table: {name: t}}",
            "1:8: sinks: expected a list of sinks, found a mapping. Begin each entry with `- ` on a line of its own."
        ),
        SpecProblemExample(
            "sinks: [{tabel: {name: t}}]",
            "1:10: sinks: unknown sink \"tabel\". Did you mean \"table\"?"
        ),
        SpecProblemExample(
            "sinks: [{kafka: {topic: t}}]",
            "1:10: sinks: unknown sink \"kafka\". Known are table, file and http."
        ),
        SpecProblemExample(
            "sinks:\n  - file: {path: a.csv}\n    table: {}",
            "2:5: sinks: expected one sink, found the keys file and table. Write one sink for each `- `, and indent what belongs to it below its name."
        ),
        SpecProblemExample(
            "sinks: [{}]",
            "1:9: sinks: names no sink. Known are table, file and http."
        ),
    ]

    static let numbers = [
        SpecProblemExample(
            "executors: eight",
            "1:12: executors: expected a whole number, found text \"eight\". Write a whole number from 1 to 500."
        ),
        SpecProblemExample(
            "executors: 0",
            "1:12: executors: 0 is out of bounds. Write a whole number from 1 to 500."
        ),
        SpecProblemExample(
            "executors: -3",
            "1:12: executors: -3 is out of bounds. Write a whole number from 1 to 500."
        ),
        SpecProblemExample(
            "executors: 3.5",
            "1:12: executors: expected a whole number, found 3.5. Write a whole number from 1 to 500."
        ),
        SpecProblemExample(
            "executors: true",
            "1:12: executors: expected a whole number, found true. Write a whole number from 1 to 500."
        ),
        SpecProblemExample(
            "executors: 99999999999999999999",
            "1:12: executors: 99999999999999999999 is out of bounds. Write a whole number from 1 to 500."
        ),
        SpecProblemExample(
            "executors: [8]",
            "1:12: executors: expected a whole number, found a list. Write a whole number here."
        ),
        SpecProblemExample(
            "executors: 010",
            "1:12: executors: expected a whole number, found 010. Write a whole number from 1 to 500."
        ),
        SpecProblemExample(
            "history-limit: 10",
            "1:16: history-limit: 10 is out of bounds. Write a whole number from 100 to 1000000."
        ),
        SpecProblemExample(
            "buckets: 64 MiB",
            "1:10: buckets: expected a whole number or a mapping such as {size: 64 MiB}, found text \"64 MiB\". Write a whole number from 1 to 1000000, or a mapping such as {size: 64 MiB}."
        ),
        SpecProblemExample(
            "buckets: {by: bytes}",
            "1:10: buckets: has neither count nor size. Add one, such as `count: 8` or `size: 100000`."
        ),
        SpecProblemExample(
            "buckets: {count: 8, size: 100}",
            "1:27: buckets.size: stands beside count. Keep one: a count of buckets, or the size of each."
        ),
        SpecProblemExample(
            "buckets: {size: 64 MiB, by: records}",
            "1:17: buckets.size: expected a number of records, found text \"64 MiB\". Write a whole number, or `by: bytes`."
        ),
        SpecProblemExample(
            "buckets: {size: 0 MiB}",
            "1:17: buckets.size: text \"0 MiB\" is out of bounds. Write at least 1 byte."
        ),
        SpecProblemExample(
            "buckets: {count: 8, by: rows}",
            "1:25: buckets.by: expected records or bytes, found text \"rows\". Known are records and bytes."
        ),
        SpecProblemExample(
            "batch: {records: 0, bytes: 2 GiB}",
            "1:18: batch.records: 0 is out of bounds. Write a whole number from 1 to 1000000.",
            "1:28: batch.bytes: text \"2 GiB\" is out of bounds. Write at least 1 byte and at most 1073741824 bytes."
        ),
        SpecProblemExample(
            "batch: {bytes: 4 MX}",
            "1:16: batch.bytes: \"4 MX\" has an unknown unit of bytes, \"MX\". Write a whole number of bytes, or one with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4 MiB."
        ),
        SpecProblemExample(
            "tolerate: some",
            "1:11: tolerate: \"some\" is neither a count nor a per cent. Write a whole number such as 20, or a per cent such as 0.1%."
        ),
        SpecProblemExample(
            "tolerate: 101%",
            "1:11: tolerate: \"101%\" is more than all records. Write at most 100%."
        ),
        SpecProblemExample(
            "lanes: {heavy: 0, \"a b\": 1}",
            "1:16: lanes.heavy: 0 is out of bounds. Write a whole number from 1 to 1000, or a mapping such as {queries: 1, pace: 500/s}.",
            "1:19: lanes: \"a b\" cannot be a name. Use letters, digits, _ and -, at most 64, and no - in front."
        ),
    ]

    static let meaning = [
        SpecProblemExample(
            "lanes: {heavy: 1}\nqueries: [{name: a, sql: SELECT 1, key: id, lane: hevy}]",
            "2:51: queries.lane: the lane \"hevy\" is not listed in lanes. Did you mean \"heavy\"?"
        ),
        SpecProblemExample(
            "queries: [{name: a, sql: SELECT 1, key: id, lane: heavy}]",
            "1:51: queries.lane: the lane \"heavy\" is not listed in lanes. Add it, such as `lanes: {heavy: 4}`."
        ),
        SpecProblemExample(
            "queries: [{name: a, sql: SELECT 1, key: id, parameters: {\":since\": 1, b: true}}]",
            "1:58: queries.parameters: \":since\" cannot be a parameter's name. Write letters, digits and _ without the colon: `since` is what the SQL calls :since.",
            "1:74: queries.parameters.b: true means different things to different databases. Write 1 or 0, or \"true\" in quotes, as the query's database takes it."
        ),
        SpecProblemExample(
            "queries: [{name: a, sql: \"SELECT '${REGION}'\", key: id}]",
            "1:35: queries.sql: variables are not replaced in SQL. Bind a parameter: `parameters: {region: \"${REGION}\"}` and :region in the SQL."
        ),
        SpecProblemExample(
            "queries: [{name: a, sql: \"SELECT 1\\0 WHERE 0\", key: id}]",
            "1:26: queries.sql: holds a NUL character. Take it out: the database would read no further."
        ),
        SpecProblemExample(
            "queries: [{name: a, sql: missing.sql, key: id}]",
            "1:26: queries.sql: the SQL file \"/nowhere/missing.sql\" does not exist. Check the path; in a spec, paths begin at the spec file's folder."
        ),
        SpecProblemExample(
            "source: customers.sqlite",
            "1:9: source: expected a connection string, found text \"customers.sqlite\". Write sqlite:<path>, or postgresql://user@host/database."
        ),
        SpecProblemExample(
            "source: \"sqlite:\"",
            "1:9: source: the connection string names no file. Write sqlite:<path>."
        ),
        SpecProblemExample(
            "source: sqlite://customers.sqlite",
            "1:9: source: sqlite:// means different paths to different programs. Write sqlite:<path> for a path beside the spec file, sqlite:/<path> for an absolute one."
        ),
        SpecProblemExample(
            "source: \"sqlite::memory:\"",
            "1:9: source: a database in memory is gone when the process ends. Write sqlite:<path>."
        ),
        SpecProblemExample(
            "source: mysql://root:hunter2@host/db",
            "1:9: source: there is no connector for \"mysql\". Known are sqlite and postgresql."
        ),
        SpecProblemExample(
            "before: {sql: SELECT 1, on: target}",
            "1:29: before.on: there is no table sink. Write a connection string, such as sqlite:<path>."
        ),
        SpecProblemExample(
            """
            after: [{sql: SELECT 1}, {on: source}, {sql: " ", on: source}, {sql: SELECT 1, on: mysql:x}]
            """,
            "1:9: after: \"on\" is missing. Add it, such as `on: target`.",
            "1:26: after: \"sql\" is missing. Add it, such as `sql: ANALYZE customers`.",
            "1:46: after.sql: is empty. Write SQL, or the path of a .sql file.",
            "1:84: after.on: there is no connector for \"mysql\". Known are sqlite and postgresql."
        ),
        SpecProblemExample(
            """
            before: {post: "http://host/x"}
            on-success: {post: "ftp://host/x"}
            on-failure: {post: "https://host/x", sql: SELECT 1}
            """,
            "1:16: before.post: there is no report yet. Write it under on-success or on-failure.",
            "2:20: on-success.post: expected a URL, found text \"ftp://host/x\". Write http://host/path or https://host/path.",
            "3:43: on-failure.sql: stands beside post. Keep one: what to run on a database, or where to send the report."
        ),
        SpecProblemExample(
            """
            after: {sql: SELECT 1, on: target}
            sinks: [{table: {database: sqlite:a, name: t}}, {table: {database: sqlite:b, name: t}}]
            """,
            "1:28: after.on: the table sinks write to several databases. Write the connection string of the one that is meant."
        ),
        SpecProblemExample(
            "engine: cluster",
            "1:9: engine: there is no engine \"cluster\". Write embedded, or temporal://HOST:7233/NAMESPACE."
        ),
        SpecProblemExample(
            "stage: copy",
            "1:8: stage: expected file, postgres or direct, found text \"copy\". Known are file, postgres and direct."
        ),
        SpecProblemExample(
            "stage: direct\nbuckets: {size: 64 MiB}\nconsistent: false",
            "2:10: buckets: `by: bytes` does not go with `stage: direct`, which sees keys and not records when it cuts. Write a number of buckets, or their size in records, such as {size: 100000}."
        ),
        SpecProblemExample(
            "consistent: true",
            "1:13: consistent: a SQLite source cannot show one instant to several queries. Take it out, and make one query of them if they have to agree."
        ),
        SpecProblemExample(
            "source: sqllite:customers.sqlite",
            "1:9: source: there is no connector for \"sqllite\". Did you mean \"sqlite\"?"
        ),
        SpecProblemExample(
            "source: postgresql:db",
            "1:9: source: libpq does not understand the connection string. Write postgresql://user@host/database (blanks and @ : / ? # percent-encoded in names and passwords), or postgresql:host=… user=… dbname=… with blanks between the keywords."
        ),
        SpecProblemExample(
            "sinks: [{table: {name: t, mode: upset, create: maybe}}]",
            "1:17: sinks.table: \"database\" is missing. Add it, such as `database: sqlite:target.sqlite`.",
            "1:33: sinks.table.mode: expected append or upsert, found text \"upset\". Did you mean \"upsert\"?",
            "1:48: sinks.table.create: expected true or false, found text \"maybe\". Write true or false."
        ),
        SpecProblemExample(
            "sinks: [{table: {database: sqlite:t.sqlite, name: t, unless-newer: at}}]",
            "1:68: sinks.table.unless-newer: has no meaning with mode append, which changes no row. Write `mode: upsert`, or take it out."
        ),
        SpecProblemExample(
            """
            sinks: [{table: {database: sqlite:t.sqlite, name: t, mode: upsert}}]
            queries:
              - {name: a, sql: SELECT 1, key: id}
              - {name: b, sql: SELECT 1, key: email}
            """,
            "1:17: sinks.table: the queries have different keys, so none is the table's. Add `key: <column>`, by which rows of the table are told apart."
        ),
        SpecProblemExample(
            "sinks:\n  - file: {path: out/a.csv}\n  - file: {path: ./out/../out/a.csv}",
            "3:11: sinks.file: writes to the same place as the sink in line 2. Take one out, or name another place."
        ),
        SpecProblemExample(
            """
            sinks:
              - table: {database: sqlite:t.sqlite, name: t}
              - table: {database: sqlite:./t.sqlite, name: T}
              - table: {database: sqlite:u.sqlite, name: t}
            """,
            "3:12: sinks.table: writes to the same place as the sink in line 2. Take one out, or name another place."
        ),
        SpecProblemExample(
            "sinks: [{file: {path: out.txt}}]",
            "1:23: sinks.file.path: the path's extension does not tell the format. Add `format: ndjson` or `format: csv`."
        ),
        SpecProblemExample(
            "sinks: [{file: {path: customers.sqlite, format: csv}}, {file: {path: spec.yaml, format: csv}}]",
            "1:23: sinks.file.path: the sink would overwrite the source. Name another file.",
            "1:70: sinks.file.path: the sink would overwrite the spec itself. Name another file."
        ),
    ]

    static let http = [
        SpecProblemExample(
            "sinks: [{http: {}}]",
            "1:16: sinks.http: \"url\" is missing. Add it, such as `url: https://host/path`."
        ),
        SpecProblemExample(
            "sinks: [{http: {url: \"ftp://h/p\", method: GET, body: xml, concurrency: 0, timeout: 11m}}]",
            "1:22: sinks.http.url: expected a URL, found text \"ftp://h/p\". Write http://host/path or https://host/path.",
            "1:43: sinks.http.method: expected POST, PUT or PATCH, found text \"GET\". Known are POST, PUT and PATCH.",
            "1:54: sinks.http.body: expected record, array or ndjson, found text \"xml\". Known are record, array and ndjson.",
            "1:72: sinks.http.concurrency: 0 is out of bounds. Write a whole number from 1 to 1000.",
            "1:84: sinks.http.timeout: text \"11m\" is out of bounds. Write a time from 100ms to 10m."
        ),
        SpecProblemExample(
            "sinks: [{http: {url: \"http://h/p\", timeout: 30, header: {}}}]",
            "1:45: sinks.http.timeout: \"30\" has no unit of time. Write a whole number and one of ms, s, m, h, d, such as 500ms or 2s.",
            "1:49: sinks.http: unknown key \"header\". Did you mean \"headers\"?"
        ),
        SpecProblemExample(
            """
            sinks:
              - http:
                  url: http://h/p
                  headers:
                    X Y: a
                    content-length: 3
                    X-A: [1]
                    x-a: b
                    X-B: "a\\nb: c"
                    Idempotency-Key: d
                    Backfill-Run: e
                  idempotency-header: "a:"
                  ca: ca.pem
            """,
            "5:9: sinks.http.headers: \"X Y\" cannot be a header's name. Use letters, digits and -.",
            "6:9: sinks.http.headers: the header content-length is set by the sink itself. Take it out.",
            "7:14: sinks.http.headers.X-A: expected a header's value, found a list. Write a header's value here.",
            "9:14: sinks.http.headers.X-B: a header's value is one line, without control characters. Take the line feed out.",
            "11:9: sinks.http.headers: the header Backfill-Run is set by the sink itself. Take it out.",
            "12:27: sinks.http.idempotency-header: text \"a:\" cannot be a header's name. Use letters, digits and -.",
            "13:11: sinks.http.ca: has no meaning for http://, which shows no certificate. Write https://, or take it out."
        ),
        SpecProblemExample(
            "sinks: [{http: {url: \"https://h/p\", headers: {X-A: a, x-a: b, idempotency-key: c}}}]",
            "1:55: sinks.http.headers: the header x-a is given twice. Keep one.",
            "1:63: sinks.http.headers: idempotency-key carries the correlation id. Take it out, or set idempotency-header to another name."
        ),
        SpecProblemExample(
            """
            sinks:
              - http: {url: "https://h/p", body: array}
              - http: {url: "https://h/p"}
              - http: {url: "https://h/p", method: PUT}
            """,
            "3:11: sinks.http: writes to the same place as the sink in line 2. Take one out, or name another place."
        ),
    ]

    static let retries = [
        SpecProblemExample(
            "retry: {initial-interval: 500, maximum-interval: 0s, backoff-coefficient: 0.5, maximum-attempts: 0}",
            "1:27: retry.initial-interval: \"500\" has no unit of time. Write a whole number and one of ms, s, m, h, d, such as 500ms or 2s.",
            "1:50: retry.maximum-interval: text \"0s\" is no time to wait. Write at least 1ms.",
            "1:75: retry.backoff-coefficient: 0.5 is out of bounds. Write a number from 1.0 to 100.0.",
            "1:98: retry.maximum-attempts: 0 is out of bounds. Write a whole number from 1 to 1000000."
        ),
        SpecProblemExample(
            "retry: {initial-interval: 5m, maximum-interval: 1m}",
            "1:49: retry.maximum-interval: is shorter than the initial interval. Write a longer one, or add a shorter initial-interval."
        ),
        SpecProblemExample(
            "retry: {initial-interval: 100ms, rules: [{error: E, action: retry, maximum-interval: 50ms}]}",
            "1:86: retry.rules.maximum-interval: is shorter than the initial interval. Write a longer one, or add a shorter initial-interval."
        ),
        SpecProblemExample(
            "retry: {initial-interval: 100ms, rules: [{error: E, action: retry, maximum-interval: 500ms}]}"
        ),
        SpecProblemExample(
            "retry: {rules: [{action: never}, {error: E}, {cause: \"(\", action: retry}]}",
            "1:17: retry.rules: matches every error. Add error or cause, or say it for all errors in retry itself.",
            "1:34: retry.rules: \"action\" is missing. Add it, such as `action: never`.",
            "1:54: retry.rules.cause: text \"(\" is not a regular expression. Check brackets and braces; a backslash before a character takes it as it is."
        ),
        SpecProblemExample(
            "retry: {rules: [{error: E, action: never, maximum-attempts: 3}, {error: E, action: stop}]}",
            "1:61: retry.rules.maximum-attempts: has no meaning beside action never. Write `action: retry`, or take it out.",
            "1:84: retry.rules.action: expected never or retry, found text \"stop\". Known are never and retry."
        ),
    ]
}
