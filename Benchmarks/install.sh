#!/usr/bin/env bash
# Installs packages from PyPI for the benchmarks, under samples/work/benchmarks/venv; what is there already stays.
#
#   Benchmarks/install.sh PACKAGE…
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=samples/work/benchmarks/venv
python3 -c 'import ensurepip' 2>/dev/null || samples/install.sh python3-venv
[[ -x $venv/bin/pip ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 || {
    echo "install.sh: pip could not install $* (its messages are above)" >&2
    exit 2
}
