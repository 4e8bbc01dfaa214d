#!/usr/bin/env bash
# A PostgreSQL server to throw away, for samples, tests and benchmarks: any number of them at once, each in a folder of its own, reached
# through a Unix socket that only the caller may open. Nothing listens on the network, and the system's own servers are left alone.
#
#   samples/postgres/server.sh start [--fast] FOLDER     makes and starts it; prints its URL
#   samples/postgres/server.sh url FOLDER                prints its URL
#   samples/postgres/server.sh stop FOLDER [fast|immediate]
#   samples/postgres/server.sh restart FOLDER            prints its URL
#   samples/postgres/server.sh remove FOLDER             stops it and deletes all of it
#
# FOLDER     a new or empty folder, or one that `start` made; FOLDER/server.log is the server's log
# --fast     for tests: commits do not reach the disk, so a power cut may lose the data (kill -9 does not); counts when FOLDER is made
# immediate  as if the power went off: no check point, and the next start recovers from the log (default fast: sessions are ended)
#
# The superuser and the database are both named `backfill`. Run by root, the server belongs to the user `postgres`, else to the caller.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../close-inherited.sh"
# What steers the caller's own sessions would steer those below too.
unset "${!PG@}"

fail() {
    echo "server.sh: $*" >&2
    exit 2
}

# Finds the newest installed server, and installs Debian's when there is none.
find_programs() {
    local found
    found=$(newest_programs)
    if [[ -z $found ]]; then
        "$here/../install.sh" postgresql
        found=$(newest_programs)
    fi
    [[ -n $found ]] || fail "PostgreSQL's initdb is missing; install the server (Debian: apt-get install postgresql)"
    programs=$found
    owner=$(id -nu)
    if ((EUID == 0)); then
        owner=nobody
        ! id postgres >/dev/null 2>&1 || owner=postgres
    fi
}

newest_programs() {
    local candidates=(/usr/lib/postgresql/*/bin/initdb) initdb
    if [[ -x ${candidates[0]} ]]; then
        initdb=$(printf '%s\n' "${candidates[@]}" | sort --version-sort | tail -n 1)
    else
        initdb=$(command -v initdb || true)
    fi
    [[ -z $initdb ]] || dirname "$initdb"
}

# A server refuses to run as root.
as_server() {
    if ((EUID == 0)); then
        setpriv --reuid="$owner" --regid="$(id -g "$owner")" --init-groups "$@"
    else
        "$@"
    fi
}

# Where the server lives: in the folder, or where `make_home` had to go instead.
find_home() {
    home=$folder
    [[ ! -L $folder/elsewhere ]] || home=$(readlink "$folder/elsewhere")
    data=$home/data
}

# A socket's path may have 107 bytes, the settings below must be able to name it, and the server's user to walk to it. A folder that does
# not serve only remembers where in /var/tmp the server is. (Not in /tmp, which may lie in memory: there a commit would cost nothing.)
make_home() {
    own "$folder"
    if (($(printf '%s' "$folder/.s.PGSQL.5432" | wc -c) > 107)) || [[ $folder == *[\'\"\\,]* ]] || ! as_server test -w "$folder"; then
        home=$(realpath "$(mktemp -d /var/tmp/backfill-postgres-XXXXXX)")
        own "$home"
        ln -sfn "$home" "$folder/elsewhere"
        ln -sfn "$home/server.log" "$folder/server.log"
    fi
    data=$home/data
}

# Only what `start` made is ever stopped or deleted.
has_server() {
    [[ -f $data/backfill.conf ]]
}

# New, empty, or left by a `start` that was cut off.
is_free() {
    local names='data.making|initdb.log|elsewhere|server.log'
    ! find "$folder" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -qvxE "$names"
}

own() {
    chmod 700 "$1"
    ((EUID != 0)) || chown "$owner:" "$1"
}

make_data() {
    local partial=$home/data.making sync=()
    rm -rf "$partial"
    [[ -z $fast ]] || sync=(--no-sync)
    as_server "$programs/initdb" --pgdata="$partial" --username=backfill --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        --no-instructions "${sync[@]}" >"$home/initdb.log" 2>&1 || {
        cat "$home/initdb.log" >&2
        fail "initdb could not make a server in $folder (its messages are above)"
    }
    rm "$home/initdb.log"
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '\"$home\"'"
        echo "unix_socket_permissions = 0700"
        echo "port = 5432"
        echo "max_connections = 300"
        echo "timezone = 'UTC'"
        [[ -z $fast ]] || printf '%s\n' "fsync = off" "shared_buffers = 16MB"
    } >"$partial/backfill.conf"
    ((EUID != 0)) || chown "$owner:" "$partial/backfill.conf"
    echo "include 'backfill.conf'" >>"$partial/postgresql.conf"
    mv "$partial" "$data"
}

# The processes that work in the data folder.
processes() {
    local link
    for link in /proc/[0-9]*/cwd; do
        [[ $(readlink "$link" 2>/dev/null || true) != "$data" ]] || basename "$(dirname "$link")"
    done
}

is_running() {
    local first
    first=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) && [[ -n $first ]] && processes | grep -qx -- "$first"
}

# Sessions may outlive a server that was killed, and would keep the next one from starting.
clear_remains() {
    local left=() tries
    for ((tries = 0; tries < 100; tries++)); do
        mapfile -t left < <(processes)
        ((${#left[@]})) || break
        kill -QUIT "${left[@]}" 2>/dev/null || true
        sleep 0.1
    done
    ((${#left[@]} == 0)) || fail "these processes of a killed server in $folder do not end: ${left[*]}"
    # Each holds a process id, which may be another program's by now, or a dead one's that nobody has waited for.
    rm -f "$data/postmaster.pid" "$home/.s.PGSQL.5432.lock"
}

start() {
    find_programs
    find_home
    if ! has_server; then
        is_free || fail "$folder is not empty and holds no server; name another folder"
        make_home
        make_data
    fi
    if ! is_running; then
        clear_remains
        (
            close_inherited
            as_server "$programs/pg_ctl" start --pgdata="$data" --log="$home/server.log" --wait --timeout=120 --silent </dev/null >&2
        ) || {
            tail -n 20 "$home/server.log" >&2
            fail "the server in $folder does not start (the end of its log is above)"
        }
    fi
    local psql=("$programs/psql" --no-psqlrc --quiet --tuples-only --host="$home" --username=backfill --dbname=postgres --command)
    [[ -n $("${psql[@]}" "SELECT 1 FROM pg_database WHERE datname = 'backfill'") ]] || "${psql[@]}" 'CREATE DATABASE backfill'
    print_url
}

stop() {
    find_home
    if is_running; then
        find_programs
        as_server "$programs/pg_ctl" stop --pgdata="$data" --mode="$1" --wait --timeout=120 --silent >&2 ||
            fail "the server in $folder does not stop; its log is $folder/server.log"
    fi
    clear_remains
}

print_url() {
    local LC_ALL=C encoded="" character index
    for ((index = 0; index < ${#home}; index++)); do
        character=${home:index:1}
        case $character in
        [A-Za-z0-9._~-]) encoded+=$character ;;
        *) encoded+=$(printf '%s' "$character" | od -An -tx1 | tr -d '\n' | tr ' a-f' '%A-F') ;;
        esac
    done
    echo "postgresql://backfill@$encoded/backfill"
}

require_server() {
    find_home
    has_server || fail "there is no server in $folder; make one with: server.sh start $(printf '%q' "$folder")"
}

verb=${1:-}
case $verb in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
start | stop | restart | url | remove) shift ;;
'') fail "say what to do: start, stop, restart, url or remove; server.sh --help explains them" ;;
*) fail "unknown command \"$verb\"; there are start, stop, restart, url and remove" ;;
esac
fast=
if [[ $verb == start && ${1:-} == --fast ]]; then
    fast=1
    shift
fi
folder=${1:-}
mode=${2:-fast}
[[ -n $folder && $folder != -* ]] || fail "name the server's folder: server.sh $verb FOLDER"
[[ $# -le 1 || ($verb == stop && $# -eq 2) ]] || fail "too many arguments; server.sh --help lists what there is"
[[ $mode == fast || $mode == immediate ]] || fail "a server is stopped fast or immediate, not \"$mode\""
[[ ! -e $folder || -d $folder ]] || fail "$folder is not a folder"
folder=$(realpath --canonicalize-missing -- "$folder")
# The server's user may not be allowed to see where the caller is.
cd /

[[ $verb != start ]] || mkdir -p "$folder"
if [[ -d $folder ]]; then
    # One at a time.
    exec 9<"$folder"
    flock 9
elif [[ $verb == remove ]]; then
    exit 0
fi

case $verb in
start) start ;;
url)
    require_server
    print_url
    ;;
stop)
    require_server
    stop "$mode"
    ;;
restart)
    require_server
    stop fast
    start
    ;;
remove)
    find_home
    if has_server; then
        stop immediate
    else
        is_free || fail "$folder holds no server; nothing was removed"
    fi
    [[ $home != /var/tmp/backfill-postgres-* ]] || rm -rf "$home"
    rm -rf "$folder"
    ;;
esac
