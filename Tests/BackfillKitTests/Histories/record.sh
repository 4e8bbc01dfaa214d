#!/usr/bin/env bash
# Records anew the histories that GoldenHistoryTests replays: real runs of the program, with hand-overs, commands from outside, hooks and
# buckets that fail. Needed only when a history has to show something that these do not: an older one that still replays is worth more.
#
#   Tests/BackfillKitTests/Histories/record.sh [PROGRAM]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
program=${1:-}
if [[ -z $program ]]; then
    swift build --package-path "$root" --product backfill >&2
    program=$(swift build --package-path "$root" --product backfill --show-bin-path)/backfill
fi
program=$(realpath "$program")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# write NAME CONDITION: the executions of engine.sqlite that the condition selects, each as NAME-1.json, NAME-2.json …, an event a line.
write() {
    local number=0 execution
    while read -r execution; do
        number=$((number + 1))
        {
            echo '['
            sqlite3 .backfill/engine.sqlite "
                SELECT json_patch(json_object('id', event_id, 'at', at, 'type', type, 'attributes', attributes || ''), json_object('payload', payload || ''))
                    || iif(event_id = max(event_id) OVER (), '', ',')
                FROM event WHERE execution_id = '$execution' ORDER BY event_id"
            echo ']'
        } | sed "s|$work|/work|g; s|$(id -un)@$(uname -n)|somebody@somewhere|g" >"$here/$1-$number.json"
    done < <(sqlite3 .backfill/engine.sqlite "SELECT execution_id FROM execution WHERE $2 ORDER BY rowid")
}

sqlite3 source.sqlite "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO person SELECT value, 'name ' || value FROM generate_series(1, 1000)"
common="source: sqlite:source.sqlite
queries:
  - {name: all, sql: \"SELECT id, name FROM person ORDER BY id\", key: id, lane: light}
  - {name: rest, sql: \"SELECT id, name FROM person WHERE id > 990\", key: id, lane: light}
lanes: {light: 1}
history-limit: 100
executors: 4
retry: {maximum-attempts: 2, initial-interval: 10ms}"

rm -f "$here"/*.json
cat >steered.yaml <<EOF
name: steered
$common
buckets: 20
batch: 2
pace: 400/s
before: {sql: "CREATE TABLE IF NOT EXISTS person (id INTEGER PRIMARY KEY, name TEXT)", on: target}
on-success: {sql: ANALYZE, on: target}
sinks: [{table: {database: sqlite:target.sqlite, name: person, mode: upsert, create: true}}]
EOF
"$program" run steered.yaml &
sleep 1
run=$("$program" list --json | grep -oE 'steered-[0-9a-z]{14}' | head -1)
"$program" pause "$run"
"$program" throttle "$run" --rate 600/s
"$program" resume "$run"
wait $!
write orchestrator-steered "workflow_id = '$run'"
write executor-chain "workflow_id = '$run/all/1'"
write executor-short "workflow_id = '$run/rest/10'"

# Nobody listens on port 1.
cat >failing.yaml <<EOF
name: failing
$common
buckets: 3
batch: 100
sinks: [{http: {url: "http://127.0.0.1:1/"}}]
on-failure: {sql: "SELECT no_such_function()", on: source}
EOF
"$program" run failing.yaml && exit 1
run=$("$program" list --json | grep -oE 'failing-[0-9a-z]{14}' | head -1)
write orchestrator-failing "workflow_id = '$run'"
write executor-failing "workflow_id = '$run/all/1'"

cat >cancelled.yaml <<EOF
name: cancelled
$common
buckets: 3
batch: 10
pace: 50/s
sinks: [{file: {path: out.ndjson}}]
EOF
"$program" run cancelled.yaml &
sleep 1
run=$("$program" list --json | grep -oE 'cancelled-[0-9a-z]{14}' | head -1)
"$program" cancel "$run"
wait $! || true
write orchestrator-cancelled "workflow_id = '$run'"
write executor-cancelled "workflow_id = '$run/all/1'"
ls -l "$here"
