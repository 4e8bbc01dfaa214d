"""Runs `backfill` and its reference over the customers sample and prints what each took. Started by run.sh."""

import argparse
import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Not the system's folder for temporary files: that may lie in memory, where a commit costs nothing.
WORK = ROOT / "samples" / "work" / "benchmarks"
BATCH = 1000
COLUMNS = ["id", "service", "display_name", "locale", "settings", "balance", "updated_at"]


@dataclass
class Measurement:
    seconds: float
    processor_seconds: float
    # Never below this script's own: the kernel counts what the child held before it became another program.
    peak_bytes: int


def measure(command, folder, output, stdin=None):
    """Runs the command to its end in the folder; its output goes to a file, which is shown when it fails."""
    os.sync()
    source = open(stdin) if stdin else subprocess.DEVNULL
    with open(output, "wb") as sink:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdin=source, stdout=sink, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.stderr.write(Path(output).read_text(errors="replace")[-4000:])
        sys.exit(f"benchmark: {command[0]} ended with status {process.returncode} (its last output is above)")
    return Measurement(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def reference_script(rows, variant):
    """The SQL of the reference: one transaction per batch, each with its row of progress, as durable as `backfill` is."""
    updates = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
    conflict = f" ON CONFLICT(id) DO UPDATE SET {updates}" if variant == "upsert" else ""
    yield "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;\n"
    yield "ATTACH 'file:customers.sqlite?mode=ro' AS source;\n"
    yield "CREATE TABLE customer_config(id INTEGER PRIMARY KEY, service, display_name, locale, settings, balance REAL, updated_at TEXT);\n"
    yield "CREATE TABLE progress(batch INTEGER PRIMARY KEY, next_id INTEGER);\n"
    yield f"CREATE TEMP VIEW entry AS {(ROOT / 'queries' / 'customers.sql').read_text()};\n"
    for batch, first in enumerate(range(1, rows + 1, BATCH), start=1):
        end = first + BATCH
        yield (
            "BEGIN IMMEDIATE;"
            f"INSERT INTO customer_config SELECT * FROM entry WHERE id >= {first} AND id < {end}{conflict};"
            f"INSERT INTO progress VALUES ({batch}, {end});"
            "COMMIT;\n"
        )


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def run_reference(rows, variant, folder):
    (folder / "customers.sqlite").symlink_to(WORK / f"customers-{rows}.sqlite")
    with open(folder / "reference.sql", "w") as script:
        script.writelines(reference_script(rows, variant))
    taken = measure(["sqlite3", "-batch", "-bail", "target.sqlite"], folder, folder / "output", folder / "reference.sql")
    return taken, folder / "target.sqlite"


def run_backfill(binary, rows, variant, folder):
    """The sample's own spec, in a folder laid out as the repository is."""
    spec, target = {
        "upsert": ("customers.yaml", "customers-target.sqlite"),
        "append": ("customers-append.yaml", "customers-append.sqlite"),
    }[variant]
    (folder / "samples" / "customers").mkdir(parents=True)
    (folder / "samples" / "work").mkdir()
    shutil.copytree(ROOT / "queries", folder / "queries")
    shutil.copy(ROOT / "samples" / "customers" / spec, folder / "samples" / "customers")
    (folder / "samples" / "work" / "customers.sqlite").symlink_to(WORK / f"customers-{rows}.sqlite")
    taken = measure([binary, "run", f"samples/customers/{spec}"], folder, folder / "output")
    return taken, folder / "samples" / "work" / target


def digest(database):
    """Of all rows with their types, in the order of the key."""
    query = f"SELECT {', '.join(COLUMNS)} FROM customer_config ORDER BY id"
    process = subprocess.Popen(["sqlite3", "-readonly", "-quote", database, query], stdout=subprocess.PIPE)
    found = hashlib.sha256()
    while chunk := process.stdout.read(1 << 20):
        found.update(chunk)
    if process.wait() != 0:
        sys.exit(f"benchmark: cannot read {database}")
    return found.hexdigest()


def median(measurements):
    return Measurement(
        statistics.median(m.seconds for m in measurements),
        statistics.median(m.processor_seconds for m in measurements),
        statistics.median(m.peak_bytes for m in measurements),
    )


def compare(rows, variant, contenders, repeat):
    """Runs the contenders in turn, so that a slow minute of the machine hits each of them; checks that all wrote the same rows."""
    measurements = {name: [] for name in contenders}
    digests = {}
    for number in range(repeat):
        for name, run in contenders.items():
            print(f"{variant}, {rows} records, {name}, {number + 1} of {repeat}", file=sys.stderr)
            folder = fresh(WORK / name)
            taken, target = run(rows, variant, folder)
            measurements[name].append(taken)
            if number == 0:
                digests[name] = digest(target)
            shutil.rmtree(folder)
    if len(set(digests.values())) > 1:
        sys.exit("benchmark: the targets differ; the figures are worth nothing")
    return {name: median(taken) for name, taken in measurements.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, action="append", required=True)
    parser.add_argument("--variant", action="append", required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--backfill")
    arguments = parser.parse_args()

    contenders = {"reference": run_reference}
    if arguments.backfill:
        contenders["backfill"] = lambda *place: run_backfill(arguments.backfill, *place)

    results = [
        (variant, rows, compare(rows, variant, contenders, arguments.repeat))
        for variant in arguments.variant
        for rows in arguments.rows
    ]
    print(f"{'variant':8} {'records':>9} {'program':10} {'records/s':>10} {'seconds':>8} {'CPU s':>7} {'peak MiB':>9} {'speed ratio':>12}")
    for variant, rows, taken in results:
        for name, one in taken.items():
            ratio = taken["reference"].seconds / one.seconds
            print(
                f"{variant:8} {rows:9} {name:10} {rows / one.seconds:10.0f} {one.seconds:8.2f} {one.processor_seconds:7.2f}"
                f" {one.peak_bytes / 2**20:9.1f} {ratio:12.2f}"
            )
    print(f"median of {arguments.repeat}; {os.cpu_count()} cores; speed ratio: to the reference, higher is faster")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peaks up to {own:.1f} MiB may be this script's own, which the kernel counts in")


main()
