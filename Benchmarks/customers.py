"""The customers sample: where it lies, its columns, and how to tell that two databases hold the same rows of it."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Not the system's folder for temporary files: that may lie in memory, where a commit costs nothing.
WORK = ROOT / "samples" / "work" / "benchmarks"
COLUMNS = ["id", "service", "display_name", "locale", "settings", "balance", "updated_at"]
# Of the tables that the references write to in SQLite.
SQLITE_TABLE = "customer_config(id INTEGER PRIMARY KEY, service, display_name, locale, settings, balance REAL, updated_at TEXT)"
UPDATES = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])


def source(rows):
    return WORK / f"customers-{rows}.sqlite"


def query(name):
    return (ROOT / "queries" / name).read_text()


def changed(spec, **settings):
    """The sample's text, with other values of keys that stand at its top."""
    text = (ROOT / spec).read_text()
    for key, value in settings.items():
        text, found = re.subn(f"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
        if found != 1:
            sys.exit(f"benchmark: {spec} does not say {key} once, so it cannot be changed")
    return text


def batches(rows, size):
    """Number, first id and end id of each transaction of a reference."""
    for number, first in enumerate(range(1, rows + 1, size), start=1):
        yield number, first, first + size


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def lay_out(rows, spec, folder, text=None):
    """Makes the folder look as the repository does to the sample's spec; `text` stands in for what the sample says."""
    place = folder / spec
    place.parent.mkdir(parents=True)
    (folder / "samples" / "work").mkdir()
    shutil.copytree(ROOT / "queries", folder / "queries")
    place.write_text(text or (ROOT / spec).read_text())
    (folder / "samples" / "work" / "customers.sqlite").symlink_to(source(rows))


def digest(command, environment=None):
    """Of all that the command prints."""
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    found = hashlib.sha256()
    while chunk := process.stdout.read(1 << 20):
        found.update(chunk)
    if process.wait() != 0:
        sys.exit(f"benchmark: cannot read a target with {command[0]} (its messages are above)")
    return found.hexdigest()
