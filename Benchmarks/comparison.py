"""Runs each tool to its end, and once to its half with `kill -9`, and prints what it took and left. Started by comparison.sh."""

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from backfill_run import events
from customers import WORK, fresh, query, source
from measurement import Failed, measure, median
from postgres_server import Server
from postgres_variants import COLUMN_TYPES, digest_of_postgres, digest_of_sqlite
from table import FIGURES, figures, show
from tools import tool

COLUMNS = "id INTEGER PRIMARY KEY, service TEXT, display_name TEXT, locale TEXT, settings TEXT, balance REAL, updated_at TEXT"


def entries(rows):
    """A table that holds what queries/customers.sql gives: pgloader reads tables only, and so all do."""
    database = WORK / f"entries-{rows}.sqlite"
    if not database.exists() or database.stat().st_mtime < source(rows).stat().st_mtime:
        partial = database.with_suffix(".making")
        partial.unlink(missing_ok=True)
        made = sqlite3.connect(partial)
        made.execute("PRAGMA journal_mode = OFF")
        made.execute("ATTACH ? AS customers", [str(source(rows))])
        made.execute(f"CREATE TABLE customer_config({COLUMNS})")
        made.execute(f"INSERT INTO customer_config {query('customers.sql')}")
        made.commit()
        made.close()
        partial.rename(database)
    return database


class Comparison:
    def __init__(self, rows, server, binary):
        self.rows = rows
        self.server = server
        self.binary = binary
        self.source = entries(rows)
        self.expected = digest_of_sqlite(self.source)

    def target(self, key):
        """An empty table, the same for each."""
        url = self.server.fresh("target")
        create = f"CREATE TABLE customer_config({COLUMN_TYPES}{', PRIMARY KEY (id)' if key else ''})"
        self.server.ask(create, at=url)
        return url

    def whole(self, name):
        """Into a table with a primary key, which must then hold the source's rows."""
        url, folder, program = self.target(key=True), fresh(WORK / "comparison" / name), tool(name, self.binary)
        command = program.load(self.source, url, folder)
        taken = self.server.measure(lambda: measure(command, folder, folder / "output", environment=environment(url)))
        if name == "backfill":
            taken.events = events(folder)
        equal = digest_of_postgres(url) == self.expected
        if name == "backfill" and not equal:
            sys.exit(f"benchmark: what backfill wrote differs from the source; the figures are worth nothing (see {folder})")
        shutil.rmtree(folder)
        return taken, equal

    def killed(self, name, after):
        """Into a table without a key, where a row that comes twice stands twice."""
        url, folder, program = self.target(key=False), fresh(WORK / "comparison" / name), tool(name, self.binary)
        with open(folder / "output", "wb") as output:
            process = subprocess.Popen(
                program.load(self.source, url, folder), cwd=folder, env=environment(url), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )
            time.sleep(after)
            over = process.poll() is not None
            if not over:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.server.wait_for_sessions()
        left, _ = self.rows_of(url)
        try:
            second = measure(program.again(self.source, url, folder), folder, folder / "output", environment=environment(url)).seconds
        except Failed:
            if name == "backfill":
                raise
            second = None
        found, different = self.rows_of(url)
        if name == "backfill" and (found != self.rows or digest_of_postgres(url) != self.expected):
            sys.exit(f"benchmark: after kill -9 and resume backfill's table differs from the source (see {folder})")
        shutil.rmtree(folder)
        return [
            "it was over before" if over else f"{after:.2f} s", f"{left:,}", f"{second:.2f}" if second else "failed", f"{found:,}",
            f"{found - different:,}", f"{self.rows - different:,}",
        ]

    def rows_of(self, url):
        return [int(count) for count in self.server.ask("SELECT count(*), count(DISTINCT id) FROM customer_config", at=url).split("|")]


def environment(url):
    return {**os.environ, "BACKFILL_POSTGRES": url}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--tool", action="append", required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--backfill")
    parser.add_argument("--postgres", required=True)
    arguments = parser.parse_args()

    comparison = Comparison(arguments.rows, Server(arguments.postgres), arguments.backfill)
    taken, equal = {name: [] for name in arguments.tool}, {}
    for number in range(arguments.repeat):
        for name in arguments.tool:
            print(f"{name}, {arguments.rows} records, {number + 1} of {arguments.repeat}", file=sys.stderr)
            one, same = comparison.whole(name)
            taken[name].append(one)
            equal[name] = same and equal.get(name, True)
    taken = {name: median(runs) for name, runs in taken.items()}
    heads = ["program", "ratio", *FIGURES[:-1], "rows are the source's"]
    first = taken[arguments.tool[0]].seconds
    show(heads, [[name, f"{first / one.seconds:.2f}", *figures(arguments.rows, one)[:-1], "yes" if equal[name] else "NO"] for name, one in taken.items()])
    left = []
    for name in arguments.tool:
        print(f"{name}, killed", file=sys.stderr)
        left.append([name, *comparison.killed(name, taken[name].seconds / 2)])
    show(["program", "kill -9 after", "rows then", "second run, s", "rows", "doubled", "lost"], left)
    print(f"{arguments.rows:,} records; median of {arguments.repeat}; {os.cpu_count()} cores. Ratio: of the records/s, to those of {arguments.tool[0]}.")
    print("Peaks are of a program's biggest process. The second table's has no key; what runs second is what the tool's manual says (tools.py).")


main()
