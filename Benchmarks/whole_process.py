"""Runs `backfill` and its reference over the customers sample and prints what each took. Started by run.sh."""

import argparse
import os
import resource
import shutil
import sys

import direct
import finish_together
import scaling
from customers import WORK, fresh
from file_variants import SQLiteToNDJSON
from measurement import median
from postgres_server import Server
from postgres_variants import PostgresToSQLite, SQLiteToPostgres
from sqlite_variants import SQLiteToSQLite
from table import FIGURES, figures, per_cent, show


def variant_of(name, batch, server):
    match name:
        case "upsert" | "append":
            return SQLiteToSQLite(name, batch)
        case "ndjson":
            return SQLiteToNDJSON()
        case "postgres-upsert" | "postgres-append":
            return SQLiteToPostgres(name.removeprefix("postgres-"), batch, server)
        case "postgres-source":
            return PostgresToSQLite(server)
    sys.exit(f"benchmark: there is no variant {name}")


def run_in_turn(name, contenders, rows, expected, repeat):
    """Contender by contender, over and over, so that a slow minute of the machine hits each of them; checks that all wrote the source's rows."""
    measurements = {contender: [] for contender in contenders}
    for number in range(repeat):
        for contender, run in contenders.items():
            print(f"{name}, {rows} records, {contender}, {number + 1} of {repeat}", file=sys.stderr)
            folder = fresh(WORK / contender.replace(" ", "-"))
            taken, found = run(rows, folder)
            measurements[contender].append(taken)
            if found != expected:
                sys.exit(f"benchmark: what {contender} wrote differs from the source; the figures are worth nothing (see {folder})")
            shutil.rmtree(folder)
    return {contender: median(taken) for contender, taken in measurements.items()}


def against_references(names, arguments, server):
    table = []
    for name in names:
        variant = variant_of(name, arguments.batch, server)
        for rows in arguments.rows:
            contenders = {"reference": variant.run_reference}
            if arguments.backfill:
                contenders["backfill"] = lambda *place: variant.run_backfill(arguments.backfill, *place)
            results = run_in_turn(name, contenders, rows, variant.prepare(rows), arguments.repeat)
            for contender, taken in results.items():
                ratio = results["reference"].seconds / taken.seconds
                table.append([name, f"{rows:,}", contender, f"{ratio:.2f}", *figures(rows, taken)])
    show(["variant", "records", "program", "ratio", *FIGURES], table)
    print(f"References commit every {arguments.batch} rows (postgres-source: once; ndjson: never). Ratio: of the records/s, to the reference's.")


def together(arguments):
    table = []
    for rows in arguments.rows:
        cuts = {"even buckets": finish_together.EvenBuckets(), "a bucket for each year": finish_together.BucketOfEachYear()}
        runs = {name: lambda *place, cut=cut: cut.run_backfill(arguments.backfill, *place) for name, cut in cuts.items()}
        expected = next(iter(cuts.values())).prepare(rows)
        for name, taken in run_in_turn("finish-together", runs, rows, expected, arguments.repeat).items():
            table.append([name, f"{rows:,}", *figures(rows, taken)])
    show(["finish-together", "records", *FIGURES], table)


def without_staging(arguments, server):
    table = []
    for way, variant, runs in direct.pairs(server):
        for rows in arguments.rows:
            contenders = {f"stage {stage}": lambda *place, run=run: run(arguments.backfill, *place) for stage, run in runs.items()}
            results = run_in_turn(f"direct, {way}", contenders, rows, variant.prepare(rows), arguments.repeat)
            for stage, taken in results.items():
                ratio = results["stage file"].seconds / taken.seconds
                table.append([way, f"{rows:,}", stage, f"{ratio:.2f}", f"{taken.state_bytes / 2**20:.1f}", *figures(rows, taken)])
    show(["direct", "records", "program", "ratio", "state MiB", *FIGURES], table)
    print("Ratio: of the records/s, to the same spec with `stage: file`. State: what the state folder holds at the end.")


def scaled(arguments):
    results, digests = [], {}
    for kind, rows, settings in scaling.points(max(arguments.rows)):
        variant = scaling.Scaled(**settings)
        if rows not in digests:
            digests[rows] = variant.prepare(rows)
        runs = {"backfill": lambda *place: variant.run_backfill(arguments.backfill, *place)}
        taken = run_in_turn(f"scaling {kind} {settings or ''}", runs, rows, digests[rows], arguments.repeat)["backfill"]
        results.append((kind, rows, settings, taken))
    table = []
    for (kind, rows, settings, taken), off in zip(results, scaling.off_the_line(results)):
        used = {**scaling.USUAL, **settings}
        table.append([kind, f"{rows:,}", f"{used['buckets']}", f"{used['batch']:,}", per_cent(off), *figures(rows, taken)])
    show(["scaling", "records", "buckets", "batch", "off the line", *FIGURES], table)
    print("Off the line: how many more seconds than on a straight line; Benchmarks/scaling.py says which.")


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
    references = [name for name in arguments.variant if name not in ("finish-together", "scaling", "direct")]
    if references:
        against_references(references, arguments, server)
    if "finish-together" in arguments.variant:
        together(arguments)
    if "direct" in arguments.variant:
        without_staging(arguments, server)
    if "scaling" in arguments.variant:
        scaled(arguments)
    print(f"Median of {arguments.repeat}; {os.cpu_count()} cores. Spread: from the first bucket's end to the last one's, of the whole run.")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"Peaks are of a program's biggest process; up to {own:.1f} MiB may be this script's own, which the kernel counts in.")


main()
