#!/usr/bin/env bash
# Installs the Debian packages that are named and missing; says nothing and asks nothing when all are there.
#
#   samples/install.sh PACKAGE…
set -euo pipefail

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

if ! command -v apt-get >/dev/null; then
    echo "install.sh: this system has no apt-get; make sure that these (or their like) are installed: $*" >&2
    exit 0
fi

missing=()
for package in "$@"; do
    state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

echo "installing ${missing[*]}" >&2
as_root=(env)
if ((EUID != 0)); then
    { command -v sudo && sudo --non-interactive true; } >/dev/null 2>&1 ||
        fail "installing needs root, and sudo is missing or asks for a password; type: sudo apt-get install ${missing[*]}"
    as_root=(sudo --non-interactive env)
fi
apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet --option Acquire::Retries=3)
log=$(mktemp)
quiet=/etc/postgresql-common/createcluster.d/backfill-samples.conf
trap 'rm -f "$log"; [[ ! -e $quiet ]] || "${as_root[@]}" rm "$quiet"' EXIT
# Debian's package of the server would make a server of its own at once and start it; the samples need only the programs.
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    "${as_root[@]}" mkdir -p "$(dirname "$quiet")"
    echo 'create_main_cluster = false' | "${as_root[@]}" tee "$quiet" >/dev/null
fi
# Old package lists name files that the servers no longer have, so they are renewed first; should that fail, the old ones may do.
"${apt[@]}" update </dev/null >"$log" 2>&1 || true
"${apt[@]}" install --yes --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1 || {
    cat "$log" >&2
    fail "apt-get could not install ${missing[*]} (its messages are above)"
}
