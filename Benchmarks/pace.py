#!/usr/bin/env python3
"""Measures how well a pace holds: records in the target over a minute, looked at fifty times a second.

usage: Benchmarks/pace.py [PROGRAM [RECORDS-PER-SECOND]]
"""
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".build/release/backfill")
RATE = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
SECONDS = 60

SOURCE = """
CREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {records})
INSERT INTO c SELECT i, 'customer ' || i FROM n;
"""
SPEC = """
name: pace
source: sqlite:source.sqlite
queries: [{{name: all, sql: SELECT * FROM c, key: id}}]
executors: {executors}
buckets: 64
pace: {rate}/s
sinks: [{{table: {{database: "sqlite:target.sqlite", name: c, mode: append, create: true}}}}]
"""


def counted(folder):
    """The target's number of records; none before the table is there."""
    try:
        with sqlite3.connect(f"file:{folder}/target.sqlite?mode=ro", uri=True) as target:
            return target.execute("SELECT count(*) FROM c").fetchone()[0]
    except sqlite3.OperationalError:
        return None


def measure(executors):
    with tempfile.TemporaryDirectory() as folder:
        with sqlite3.connect(f"{folder}/source.sqlite") as source:
            source.executescript(SOURCE.format(records=RATE * SECONDS * 2))
        with open(f"{folder}/spec.yaml", "w") as spec:
            spec.write(SPEC.format(executors=executors, rate=RATE))
        run = subprocess.Popen([PROGRAM, "run", "spec.yaml", "-q"], cwd=folder, stderr=subprocess.DEVNULL)
        while not counted(folder):
            time.sleep(0.02)
        samples = []
        while not samples or samples[-1][0] - samples[0][0] < SECONDS:
            samples.append((time.monotonic(), counted(folder)))
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        run.wait()
    (began, first), (ended, last) = samples[0], samples[-1]
    start, most = 0, 0
    for at, count in samples:
        while at - samples[start][0] > 1:
            start += 1
        most = max(most, count - samples[start][1])
    mean = (last - first) / (ended - began)
    print(f"{executors:3} executors: {mean:8.1f} records/s on average, at most {most} in any second", flush=True)


for executors in (1, 8, 64):
    measure(executors)
