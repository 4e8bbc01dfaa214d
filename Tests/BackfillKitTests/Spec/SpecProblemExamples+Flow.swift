extension SpecProblemExample {
    static let paces = [
        SpecProblemExample(
            "pace: 2000",
            "1:7: pace: \"2000\" is not a rate of records. Write a whole number and a time, such as 2000/s, 90/m or 5000/h."
        ),
        SpecProblemExample(
            "pace: 0/s",
            "1:7: pace: \"0/s\" is not a rate of records. Write a whole number and a time, such as 2000/s, 90/m or 5000/h."
        ),
        SpecProblemExample(
            "pace: 10 MiB/s",
            "1:7: pace: \"10 MiB/s\" is not a rate of records. Write a whole number and a time, such as 2000/s, 90/m or 5000/h."
        ),
        SpecProblemExample(
            "pace: [1]",
            "1:7: pace: expected a rate such as 2000/s, or a mapping such as {records: 2000/s, bytes: 10 MiB/s}, found a list. Write a rate such as 2000/s, or a mapping such as {records: 2000/s, bytes: 10 MiB/s} here."
        ),
        SpecProblemExample(
            "pace: {}",
            "1:7: pace: limits nothing. Add `records: 2000/s` or `bytes: 10 MiB/s`, or take pace out."
        ),
        SpecProblemExample(
            "pace: {records: 5/d, bytes: 10/s, rows: 1/s}",
            "1:17: pace.records: \"5/d\" is not a rate of records. Write a whole number and a time, such as 2000/s, 90/m or 5000/h.",
            "1:35: pace: unknown key \"rows\". Known are records and bytes."
        ),
        SpecProblemExample(
            "pace: {bytes: 10 MiB}",
            "1:15: pace.bytes: \"10 MiB\" is not a rate of bytes. Write a byte size and a time, such as 10 MiB/s."
        ),
        SpecProblemExample(
            "pace: {bytes: 0 KB/s}",
            "1:15: pace.bytes: \"0 KB/s\" would never end. Write at least 1 B/s, or `pause` the run."
        ),
        SpecProblemExample(
            "pace: {bytes: 10 MX/s}",
            "1:15: pace.bytes: \"10 MX\" has an unknown unit of bytes, \"MX\". Write a whole number of bytes, or one with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4 MiB."
        ),
        SpecProblemExample(
            "lanes: {heavy: {queries: 0, pace: fast, limit: 1}, light: {pace: {}}, none: {}}",
            "1:26: lanes.heavy.queries: 0 is out of bounds. Write a whole number from 1 to 1000.",
            "1:35: lanes.heavy.pace: \"fast\" is not a rate of records. Write a whole number and a time, such as 2000/s, 90/m or 5000/h.",
            "1:41: lanes.heavy: unknown key \"limit\". Known are queries and pace.",
            "1:66: lanes.light.pace: limits nothing. Add `records: 2000/s` or `bytes: 10 MiB/s`, or take pace out.",
            "1:77: lanes.none: limits nothing. Add `queries: 1` or `pace: 500/s`, or write a whole number."
        ),
    ]

    static let batches = [
        SpecProblemExample(
            "batch: {min: 10, max: 20}",
            "1:14: batch.min: has no meaning without target. Add `target: 500ms`, or write `records: …` instead."
        ),
        SpecProblemExample(
            "batch: {max: 20}",
            "1:14: batch.max: has no meaning without target. Add `target: 500ms`, or write `records: …` instead."
        ),
        SpecProblemExample(
            "batch: {target: 500, min: 0, max: 2000000}",
            "1:17: batch.target: \"500\" has no unit of time. Write a whole number and one of ms, s, m, h, d, such as 500ms or 2s.",
            "1:27: batch.min: 0 is out of bounds. Write a whole number from 1 to 1000000.",
            "1:35: batch.max: 2000000 is out of bounds. Write a whole number from 1 to 1000000."
        ),
        SpecProblemExample(
            "batch: {target: 500ms, min: 30, max: 20}",
            "1:29: batch.min: is more than max, 20. Write a smaller one, or a larger max."
        ),
        SpecProblemExample(
            "batch: {target: 500ms, max: 5}",
            "1:17: batch.target: is more than max, 5. Write a smaller one, or a larger max."
        ),
    ]

    static let windows = [
        SpecProblemExample(
            "window: 22:00-06:00",
            "1:9: window: expected a mapping with between, zone and days, found text \"22:00-06:00\". Write `key: value`, each on a line of its own, below it."
        ),
        SpecProblemExample(
            "window: {}",
            "1:9: window: \"between\" is missing. Add it, such as `between: 22:00-06:00`.",
            "1:9: window: \"zone\" is missing. Add it, such as `zone: Europe/Berlin`."
        ),
        SpecProblemExample(
            "window: {between: 22-6, zone: Berlin, days: [monday, sat]}",
            "1:19: window.between: expected two times such as 22:00-06:00, found text \"22-6\". Write HH:MM-HH:MM, 00:00 to 24:00.",
            "1:31: window.zone: expected a time zone, found text \"Berlin\". Write a name such as Europe/Berlin or UTC.",
            "1:46: window.days: expected sun, mon, tue, wed, thu, fri or sat, found text \"monday\". Known are sun, mon, tue, wed, thu, fri and sat."
        ),
        SpecProblemExample(
            "window: {between: \"24:00-06:00\", zone: UTC, days: []}",
            "1:19: window.between: expected two times such as 22:00-06:00, found text \"24:00-06:00\". Write HH:MM-HH:MM, 00:00 to 24:00.",
            "1:51: window.days: names no day. Write some, such as [sat, sun], or take it out."
        ),
        SpecProblemExample(
            "window: [{between: \"06:00-06:00\", zone: UTC}, {between: \"06:60-24:01\", zone: UTC}]",
            "1:20: window.between: expected two times such as 22:00-06:00, found text \"06:00-06:00\". Write HH:MM-HH:MM, 00:00 to 24:00.",
            "1:57: window.between: expected two times such as 22:00-06:00, found text \"06:60-24:01\". Write HH:MM-HH:MM, 00:00 to 24:00."
        ),
        SpecProblemExample(
            "window: []",
            "1:9: window: there is no window. Add one, such as `- {between: 22:00-06:00, zone: Europe/Berlin}`, or take it out."
        ),
    ]

    static let probes = [
        SpecProblemExample(
            "probes: {http: \"http://host/x\"}",
            "1:9: probes: expected a list of probes, found a mapping. Begin each entry with `- ` on a line of its own."
        ),
        SpecProblemExample(
            "probes: [{every: 5s}, {sql: SELECT 1, http: \"http://host/x\"}, {htpp: \"http://host/x\"}]",
            "1:10: probes: asks nothing. Write one of sql, http, replication-lag, active-connections and long-transactions for each probe.",
            "1:23: probes: asks several things: sql and http. Write one of sql, http, replication-lag, active-connections and long-transactions for each probe.",
            "1:63: probes: asks nothing. Write one of sql, http, replication-lag, active-connections and long-transactions for each probe.",
            "1:64: probes: unknown key \"htpp\". Did you mean \"http\"?"
        ),
        SpecProblemExample(
            "probes: [{http: \"ftp://host\"}, {http: \"http://host/x\", on: source, every: 500ms, timeout: 0s}]",
            "1:17: probes.http: expected a URL, found text \"ftp://host\". Write http://host/path or https://host/path.",
            "1:60: probes.on: has no meaning beside http. Take it out.",
            "1:75: probes.every: asks too often. Write at least 1s.",
            "1:91: probes.timeout: text \"0s\" is no time to wait. Write at least 1ms."
        ),
        SpecProblemExample(
            "probes: [{sql: SELECT 1}, {sql: \" \", on: source}, {sql: SELECT 1, on: target}]",
            "1:10: probes: \"on\" is missing. Add it, such as `on: target`.",
            "1:33: probes.sql: is empty. Write SQL, or the path of a .sql file.",
            "1:71: probes.on: there is no table sink. Write a connection string, such as sqlite:<path>."
        ),
        SpecProblemExample(
            "probes: [{active-connections: 5, on: source}, {replication-lag: 5s, on: source}, {long-transactions: 5s, on: source}]",
            "1:38: probes.on: active-connections asks PostgreSQL servers only. Write `sql: …` for a SQLite database.",
            "1:73: probes.on: replication-lag asks PostgreSQL servers only. Write `sql: …` for a SQLite database.",
            "1:110: probes.on: long-transactions asks PostgreSQL servers only. Write `sql: …` for a SQLite database."
        ),
        SpecProblemExample(
            "source: postgresql://host/db\nprobes: [{active-connections: -1, on: source}, {replication-lag: 5, on: source}, {long-transactions: now, on: source}]",
            "2:31: probes.active-connections: -1 is out of bounds. Write a whole number from 0 to 1000000.",
            "2:66: probes.replication-lag: \"5\" has no unit of time. Write a whole number and one of ms, s, m, h, d, such as 500ms or 2s.",
            "2:102: probes.long-transactions: \"now\" is not a time. Write a whole number and one of ms, s, m, h, d, such as 500ms or 2s."
        ),
        SpecProblemExample(
            "probes: [{name: load, http: \"http://host/a\"}, {name: load, http: \"http://host/b\"}, {http: \"http://host/c\"}, {http: \"http://host/d\"}, {name: http, http: \"http://host/e\"}]",
            "1:54: probes.name: another probe is called \"load\". Give each a name of its own.",
            "1:141: probes.name: another probe is called \"http\". Give each a name of its own."
        ),
    ]

    static let budgets = [
        SpecProblemExample(
            "error-budget: few",
            "1:15: error-budget: \"few\" is neither a count nor a per cent. Write a whole number such as 20, or a per cent such as 0.1%."
        ),
        SpecProblemExample(
            "error-budget: 200%\nqueries: [{name: a, sql: SELECT 1, key: id, error-budget: -1}]",
            "1:15: error-budget: \"200%\" is more than all records. Write at most 100%.",
            "2:59: queries.error-budget: \"-1\" is neither a count nor a per cent. Write a whole number such as 20, or a per cent such as 0.1%."
        ),
        SpecProblemExample(
            "retry: {jitter: 1.5, stage: {jitter: -0.1, rules: [{cause: x, action: retry, jitter: some}]}, hooks: 5, publish: {}}",
            "1:17: retry.jitter: 1.5 is out of bounds. Write a number from 0.0 to 1.0.",
            "1:38: retry.stage.jitter: -0.1 is out of bounds. Write a number from 0.0 to 1.0.",
            "1:86: retry.stage.rules.jitter: expected a number, found text \"some\". Write a number from 0.0 to 1.0.",
            "1:102: retry.hooks: expected a mapping with maximum-attempts, initial-interval, maximum-interval, backoff-coefficient, jitter and rules, found 5. Write `key: value`, each on a line of its own, below it.",
            "1:105: retry: unknown key \"publish\". Known are maximum-attempts, initial-interval, maximum-interval, backoff-coefficient, jitter, rules, prepare, stage, plan and hooks."
        ),
    ]
}
