"""Runs `backfill` and its reference over the customers sample and prints what each took. Started by run.sh."""

import argparse
import os
import resource
import shutil
import sys

from customers import WORK, fresh
from measurement import median
from postgres_server import Server
from postgres_variants import PostgresToSQLite, SQLiteToPostgres
from sqlite_variants import SQLiteToSQLite


def variant_of(name, batch, server):
    match name:
        case "upsert" | "append":
            return SQLiteToSQLite(name, batch)
        case "postgres-upsert" | "postgres-append":
            return SQLiteToPostgres(name.removeprefix("postgres-"), batch, server)
        case "postgres-source":
            return PostgresToSQLite(server)
    sys.exit(f"benchmark: there is no variant {name}")


def compare(name, variant, rows, binary, repeat):
    """Runs the contenders in turn, so that a slow minute of the machine hits each of them; checks that all wrote the source's rows."""
    contenders = {"reference": variant.run_reference}
    if binary:
        contenders["backfill"] = lambda *place: variant.run_backfill(binary, *place)
    expected = variant.prepare(rows)
    measurements = {contender: [] for contender in contenders}
    for number in range(repeat):
        for contender, run in contenders.items():
            print(f"{name}, {rows} records, {contender}, {number + 1} of {repeat}", file=sys.stderr)
            folder = fresh(WORK / contender)
            taken, found = run(rows, folder)
            measurements[contender].append(taken)
            if found != expected:
                sys.exit(f"benchmark: what {contender} wrote differs from the source; the figures are worth nothing (see {folder})")
            shutil.rmtree(folder)
    return {contender: median(taken) for contender, taken in measurements.items()}


def show(results):
    print(
        f"{'variant':15} {'records':>9} {'program':10} {'records/s':>10} {'seconds':>8} {'CPU s':>7} {'server CPU s':>13}"
        f" {'peak MiB':>9} {'speed ratio':>12}"
    )
    for name, rows, taken in results:
        for contender, one in taken.items():
            ratio = taken["reference"].seconds / one.seconds
            server = "" if one.server_seconds is None else f"{one.server_seconds:.2f}"
            print(
                f"{name:15} {rows:9} {contender:10} {rows / one.seconds:10.0f} {one.seconds:8.2f} {one.processor_seconds:7.2f}"
                f" {server:>13} {one.peak_bytes / 2**20:9.1f} {ratio:12.2f}"
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, action="append", required=True)
    parser.add_argument("--variant", action="append", required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--backfill")
    parser.add_argument("--postgres")
    arguments = parser.parse_args()

    server = Server(arguments.postgres) if arguments.postgres else None
    results = []
    for name in arguments.variant:
        variant = variant_of(name, arguments.batch, server)
        for rows in arguments.rows:
            results.append((name, rows, compare(name, variant, rows, arguments.backfill, arguments.repeat)))
    show(results)
    print(
        f"median of {arguments.repeat}; {os.cpu_count()} cores; references commit every {arguments.batch} rows (postgres-source: once);"
        " speed ratio: to the reference, higher is faster"
    )
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peaks are of a program's biggest process; up to {own:.1f} MiB may be this script's own, which the kernel counts in")


main()
