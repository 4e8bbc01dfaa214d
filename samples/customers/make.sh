#!/usr/bin/env bash
# Makes the customers sample: a SQLite database with the table `customers`, the same rows every time and everywhere.
#
#   samples/customers/make.sh [ROWS] [FILE]
#
# ROWS  1000 to 8000000 (default 300000)
# FILE  the database (default samples/work/customers.sqlite); one that has ROWS rows already is kept, any other sample is replaced
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rows=${1:-300000}
file=${2:-$here/../work/customers.sqlite}
version=1 # of make.sql: raise it when the rows change, so that older samples are made anew

fail() {
    echo "make.sh: $*" >&2
    exit 2
}

case $rows in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac
[[ $# -le 2 ]] || fail "too many arguments; usage: make.sh [ROWS] [FILE]"
[[ $rows =~ ^[1-9][0-9]{0,8}$ ]] || fail "ROWS must be a whole number, not \"$rows\"; usage: make.sh [ROWS] [FILE]"
((rows >= 1000 && rows <= 8000000)) || fail "ROWS must lie between 1000 and 8000000, not $rows"
command -v sqlite3 >/dev/null || fail "the sqlite3 command is missing; install it (Debian: apt-get install sqlite3) or use samples/quickstart.sh"
[[ -d $file ]] && fail "$file is a folder; name a file"

# A finished sample carries its version and its rows in the two numbers that SQLite leaves to applications.
stamp() {
    sqlite3 -readonly "$1" 'SELECT application_id, user_version FROM pragma_application_id, pragma_user_version' 2>/dev/null || true
}

folder=$(dirname "$file")
mkdir -p "$folder"
file=$(cd "$folder" && pwd)/$(basename "$file")
if [[ -s $file ]]; then
    found=$(stamp "$file")
    if [[ $found == "$version|$rows" ]]; then
        echo "kept $file ($rows customers)" >&2
        exit 0
    fi
    tables=$(sqlite3 -readonly "$file" "SELECT coalesce(group_concat(name), '') FROM sqlite_schema WHERE type = 'table'" 2>/dev/null) ||
        fail "$file is not a SQLite database; name another file or remove it"
    [[ $tables == customers || -z $tables ]] || fail "$file is not a customers sample (its tables: $tables); name another file or remove it"
fi

partial=$file.making.$$
trap 'rm -f "$partial"' EXIT
sqlite3 -batch -cmd ".parameter set :rows $rows" "$partial" <"$here/make.sql" >/dev/null
made=$(sqlite3 "$partial" 'SELECT count(*) FROM customers')
[[ $made == "$rows" ]] || fail "made $made rows instead of $rows; this is a mistake in make.sql, or the disk is full"
sqlite3 "$partial" "PRAGMA application_id = $version; PRAGMA user_version = $rows"
rm -f "$file-wal" "$file-shm" "$file-journal" # they belong to the database that is replaced
mv -f "$partial" "$file"
echo "made $file ($rows customers)" >&2
