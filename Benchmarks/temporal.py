"""Has each program load the customers through a Temporal server of its own, and then do nothing, and prints what it took. Started by temporal.sh."""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys

from customers import WORK, fresh
from measurement import median
from postgres_server import Server
from postgres_variants import TABLE, digest_of_postgres, digest_of_source
from table import FIGURES, figures, show
from temporal_programs import program
from temporal_server import Cluster
from tools import HERE, PYTHON
from workers import measure_with_workers

HEADS = [*FIGURES[:3], "Temporal's CPU s", "PostgreSQL's CPU s", *FIGURES[4:-1]]

# By itself a server looks only twenty times a second for what it has to hand out next: no workflow gets more turns than that, whoever works.
SERVERS = {"as it is": [], "without its limit": ["--dynamic-config-value", "history.transferProcessorMaxPollRPS=10000"]}


def load(name, arguments, server):
    """Into a table with a primary key, which must then hold the source's rows."""
    url, folder = server.fresh("target"), fresh(WORK / "temporal-load")
    loader = program(name, arguments.backfill, url)
    server.ask(f"CREATE TABLE {TABLE}", at=url)
    loader.prepare(arguments.rows, folder)
    environment = {**os.environ, "BACKFILL_POSTGRES": url}
    with Cluster(arguments.temporal) as cluster:
        worker, command = loader.worker(cluster.address, url), loader.load(cluster.address)
        work = lambda: measure_with_workers(worker, arguments.workers, command, folder, environment)
        taken = server.measure(lambda: cluster.measure(work))
    if digest_of_postgres(url) != digest_of_source(arguments.rows):
        sys.exit(f"benchmark: what {name} wrote differs from the source; the figures are worth nothing (see {folder})")
    shutil.rmtree(folder)
    return taken


def cells(rows, taken, first):
    rate, seconds, own, postgres, peak, events, _ = figures(rows, taken)
    return [f"{first.seconds / taken.seconds:.2f}", rate, seconds, own, f"{taken.cluster_seconds:.2f}", postgres, peak, events]


def no_ops(command, folder, options):
    """Activities a second of one workflow, and of eight at once, as the program says of itself."""
    with Cluster(folder, *options) as cluster:
        said = subprocess.run([*command, cluster.address], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    found = [float(figure) for figure in re.findall(r"([0-9.]+) activities/s", said.stdout)]
    if said.returncode != 0 or len(found) != 2:
        sys.exit(f"benchmark: {command[0]} ended with status {said.returncode} and said {said.stdout!r} (its other messages are above)")
    return found


def in_turn(names, repeat, work, what):
    """One by one, over and over, so that a slow minute of the machine hits each of them."""
    taken = {name: [] for name in names}
    for number in range(repeat):
        for name in names:
            print(f"{name}, {what}, {number + 1} of {repeat}", file=sys.stderr)
            taken[name].append(work(name))
    return taken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--program", action="append", required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--backfill")
    parser.add_argument("--noop")
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--temporal", required=True)
    arguments = parser.parse_args()
    names, server = arguments.program, Server(arguments.postgres)

    loads = in_turn(names, arguments.repeat, lambda name: load(name, arguments, server), f"{arguments.rows} records")
    taken = {name: median(runs) for name, runs in loads.items()}
    show(["program", "ratio", *HEADS], [[name, *cells(arguments.rows, one, taken[names[0]])] for name, one in taken.items()])

    commands = {"python": [PYTHON, "-B", HERE / "noop_with_temporal.py"]}
    if arguments.noop:
        commands["backfill"] = [arguments.noop]
    lines = []
    for kind, options in SERVERS.items():
        runs = in_turn(commands, arguments.repeat, lambda name: no_ops(commands[name], arguments.temporal, options), f"no-op activities, server {kind}")
        rates = {name: [statistics.median(one) for one in zip(*found)] for name, found in runs.items()}
        for name, found in rates.items():
            ratios = [rate / first for rate, first in zip(found, rates["python"])]
            lines.append([name, kind, *(cell for pair in zip(found, ratios) for cell in (f"{pair[0]:.1f}", f"{pair[1]:.2f}"))])
    show(["no-op activities", "server", "one workflow, a second", "ratio", "eight at once, a second", "ratio"], lines)

    print(f"{arguments.rows:,} records; workers: {arguments.workers}; median of {arguments.repeat}; {os.cpu_count()} cores.")
    print(f"Ratio: of what is done a second, to {names[0]}'s; of no-op activities, to python's. Workers are ready when a load begins.")
    print("CPU and peaks are of the program with its workers, peaks of the biggest process.")



main()
