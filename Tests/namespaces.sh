#!/usr/bin/env bash
# Two workers on two hosts, each a network namespace with an address and a folder of its own, and the servers on a third, which they reach over
# TCP alone: a run into PostgreSQL, with the state in PostgreSQL too, staged there and then read directly from the source, while the cable of
# one of the hosts is pulled and put back. Every row is compared with the source.
#
#   Tests/namespaces.sh [PROGRAM]
#
# PROGRAM  the `backfill`, built with the trait Temporal (default .build/debug/backfill, which Tests/run.sh builds)
#
# Needs root, for the namespaces. Exit status: 0 every row arrived once, 1 not so, 2 it cannot be done here.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$(realpath "${1:-.build/debug/backfill}")
[[ -x $program ]] || {
    echo "namespaces.sh: there is no program $program; build it with: swift build --traits Temporal --product backfill" >&2
    exit 2
}
((EUID == 0)) || {
    echo "namespaces.sh: network namespaces need root" >&2
    exit 2
}
samples/install.sh iproute2 libpq-dev socat >&2
rows=60000
name=bf$$
place=$(mktemp -d)
workers=()
clean() {
    ((${#workers[@]} == 0)) || kill -KILL "${workers[@]}" 2>/dev/null || true
    if [[ -n ${forwarder:-} ]]; then
        kill -KILL "$forwarder" 2>/dev/null || true
        wait "$forwarder" 2>/dev/null || true
    fi
    samples/temporal/server.sh remove "$place/temporal" 2>/dev/null || true
    samples/postgres/server.sh remove "$place/postgres" 2>/dev/null || true
    for host in 1 2; do ip netns del "$name-$host" 2>/dev/null || true; done
    rm -rf "$place"
}
trap clean EXIT

for host in 1 2; do
    ip netns add "$name-$host"
    ip link add "$name.$host" type veth peer name cable netns "$name-$host"
    ip addr add "10.213.$host.1/24" dev "$name.$host"
    ip link set "$name.$host" up
    ip -n "$name-$host" addr add "10.213.$host.2/24" dev cable
    ip -n "$name-$host" link set cable up
    ip -n "$name-$host" link set lo up
done

chmod go+x "$place"
BACKFILL_POSTGRES=$(samples/postgres/server.sh start --fast "$place/postgres")
export BACKFILL_POSTGRES
samples/postgres/make.sh "$BACKFILL_POSTGRES" "$rows" >&2
# The server itself listens on a socket only.
socket=$(psql --no-psqlrc -At --dbname "$BACKFILL_POSTGRES" --command 'SHOW unix_socket_directories')
database=$((20000 + RANDOM % 10000))
socat "TCP-LISTEN:$database,fork,reuseaddr,keepalive" "UNIX-CONNECT:${socket//\"/}/.s.PGSQL.5432" &
forwarder=$!
address=$(samples/temporal/server.sh start "$place/temporal" '' --ip 0.0.0.0)
port=${address##*:}
port=${port%%/*}

# state QUERY: what the state says; nothing before it is there.
state() {
    psql --no-psqlrc -At --dbname "$BACKFILL_POSTGRES" --command "$1" 2>/dev/null || true
}

# run STAGE: a run with that `stage`, from one table to another.
run() {
    local spec=$place/$1.yaml process pulled=
    schema=state_$1
    cat >"$spec" <<SPEC
name: hosts-$1
source: \${BACKFILL_POSTGRES}
stage: $1
queries:
  - {name: customers, key: id, sql: $PWD/queries/customers-postgres.sql}
buckets: 6
batch: 200
executors: 6
pace: 5000/s
retry: {initial-interval: 50ms, maximum-interval: 1s, maximum-attempts: 100000}
sinks:
  - table: {database: "\${BACKFILL_POSTGRES}", name: arrived_$1, mode: append, create: true}
SPEC
    workers=()
    for host in 1 2; do
        mkdir "$place/$1-$host"
        local reached=postgresql://backfill@10.213.$host.1:$database/backfill
        (
            cd "$place/$1-$host"
            export BACKFILL_POSTGRES=$reached BACKFILL_STATE=$reached?schema=$schema
            exec ip netns exec "$name-$host" "$program" worker --engine "temporal://10.213.$host.1:$port/default" --worker-timeout 3 \
                --batches-per-activity 5 </dev/null 2>"$place/worker-$host.log"
        ) &
        workers+=($!)
    done
    BACKFILL_STATE=$BACKFILL_POSTGRES?schema=$schema "$program" run "$spec" --engine "$address" </dev/null >&2 &
    process=$!
    # A third of it arrives; then the second host is cut off for longer than a worker may be silent.
    while kill -0 "$process" 2>/dev/null; do
        local published
        published=$(state "SELECT published FROM $schema.run_progress")
        if [[ -z $pulled ]] && ((${published:-0} > rows / 3)); then
            ip link set "$name.2" down
            pulled=$((SECONDS + 6))
        elif [[ -n $pulled ]] && ((SECONDS > pulled)); then
            ip link set "$name.2" up
            break
        fi
        sleep 0.2
    done
    wait "$process" || {
        echo "the run with stage: $1 failed" >&2
        tail -n 20 "$place"/worker-*.log >&2
        return 1
    }
    ip link set "$name.2" up
    kill -TERM "${workers[@]}"
    wait "${workers[@]}" || true
    local took expected columns="id, service, display_name, locale, settings, balance, updated_at"
    expected=$(<queries/customers-postgres.sql)
    took=$(psql --no-psqlrc -At -v ON_ERROR_STOP=1 --dbname "$BACKFILL_POSTGRES" --command "
        WITH expected AS ($expected), found AS (SELECT $columns FROM arrived_$1)
        SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE found) AS missing),
            (SELECT count(*) FROM (TABLE found EXCEPT ALL TABLE expected) AS surplus)")
    [[ $took == "$rows|0|0" ]] || {
        echo "stage: $1: rows, missing and surplus are $took" >&2
        return 1
    }
    local shared
    shared=$(state "SELECT count(DISTINCT worker_id) FROM $schema.run_worker")
    [[ -n $pulled && $shared == 2 ]] || {
        echo "stage: $1: $shared workers have published, and the cable was ${pulled:+pulled}${pulled:-not pulled}" >&2
        return 1
    }
    echo "stage: $1: $rows rows once each, by two hosts, one of them cut off for a while"
}

for stage in postgres direct; do run "$stage"; done
