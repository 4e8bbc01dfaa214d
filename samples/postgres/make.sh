#!/usr/bin/env bash
# Makes the customers sample in PostgreSQL: the table `customers` with the rows that samples/customers/make.sh makes. Checks each column.
#
#   samples/postgres/make.sh URL [ROWS] [FILE]
#
# URL   the database; an earlier sample in it is replaced
# ROWS  1000 to 8000000 (default 100000)
# FILE  the SQLite database with the same rows (default samples/work/postgres-customers.sqlite), made if need be
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    echo "make.sh: $*" >&2
    exit 2
}

case ${1:-} in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
'') fail "name the database; usage: make.sh URL [ROWS] [FILE]" ;;
esac
[[ $# -le 3 ]] || fail "too many arguments; usage: make.sh URL [ROWS] [FILE]"
url=$1
rows=${2:-100000}
file=${3:-$(dirname "$here")/work/postgres-customers.sqlite}
command -v psql >/dev/null || fail "the psql command is missing; install it (Debian: apt-get install postgresql-client)"
"$here/../customers/make.sh" "$rows" "$file"

psql=(psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "$url")
export PGOPTIONS="${PGOPTIONS:-} --client-min-messages=warning"
found=$("${psql[@]}" --command "SELECT coalesce(obj_description(to_regclass('customers'), 'pg_class'), 'a table without a comment')
                                WHERE to_regclass('customers') IS NOT NULL")
[[ -z $found || $found == 'backfill sample' ]] || fail "this database has a table customers that is no sample; name another database"
"${psql[@]}" --file "$here/customers.sql"
# Both sides write NULL as nothing and an empty text as "", and the numbers have fewer digits than SQLite's 15.
sqlite3 -readonly -csv -newline $'\n' "$file" 'SELECT * FROM customers ORDER BY id' |
    "${psql[@]}" --command 'COPY customers FROM STDIN (FORMAT csv)'
"${psql[@]}" --command 'ANALYZE customers'

# The checksum of columns' values in the order of the ids, written alike by both databases: text in hexadecimal digits, so that nothing is
# escaped; a balance in whole cents, with a mark should it not be the very number that SQLite's division gave; NULL as a dash.
checksum() {
    local database=$1 name cells=()
    shift
    for name in "$@"; do cells+=("$(cell "$database" "$name")"); done
    local list
    list=$(printf " || '|' || %s" "${cells[@]}")
    if [[ $database == sqlite ]]; then
        sqlite3 -readonly -list "$file" "SELECT ''$list FROM customers ORDER BY id"
    else
        "${psql[@]}" --command "SET timezone = 'UTC'" --command "COPY (SELECT ''$list FROM customers ORDER BY id) TO STDOUT"
    fi | sha256sum
}

cell() {
    local sqlite=$2 postgresql=$2
    case $2 in
    id) ;;
    newsletter | partner_offers) postgresql="$2::integer" ;;
    balance)
        sqlite="CAST(round(balance * 100) AS INTEGER) || iif(balance = round(balance * 100) / 100.0, '', ' inexact')"
        postgresql="round(balance * 100)::bigint || CASE WHEN balance = round(balance * 100) / 100.0 THEN '' ELSE ' inexact' END"
        ;;
    registered) postgresql="to_char($2, 'YYYY-MM-DD')" ;;
    updated_at) postgresql="to_char($2, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')" ;;
    *)
        sqlite="hex($2)"
        postgresql="upper(encode(convert_to($2, 'UTF8'), 'hex'))"
        ;;
    esac
    # hex(NULL) is an empty text.
    if [[ $1 == sqlite ]]; then echo "iif($2 IS NULL, '-', $sqlite)"; else echo "coalesce(($postgresql)::text, '-')"; fi
}

same() {
    local expected found
    expected=$(checksum sqlite "$@") && found=$(checksum postgresql "$@") && [[ $found == "$expected" ]]
}

columns=(id registered given_name family_name nickname email language country plan newsletter partner_offers balance updated_at)
if ! same "${columns[@]}"; then
    for name in "${columns[@]}"; do
        same "$name" || fail "the column $name differs from that in $file; this is a mistake in make.sh"
    done
    fail "the rows differ from those in $file, or could not be read (messages are above)"
fi
[[ $("${psql[@]}" --command 'SELECT count(*) FROM customers') == "$rows" ]] || fail "the table customers has not the $rows rows of $file"
echo "made the table customers in PostgreSQL ($rows rows; each column has the checksum of the one in SQLite)" >&2
