"""One `backfill run`, and what it tells of itself afterwards."""

import json
import os
import sqlite3
import subprocess

from measurement import measure


def run(binary, spec, folder, url=None):
    """Measures it; the state, which it leaves in the folder, is looked at when the clock has stopped."""
    environment = dict(os.environ)
    if url:
        environment["BACKFILL_POSTGRES"] = url
    taken = measure([binary, "run", spec], folder, folder / "output", environment=environment)
    told = json.loads(subprocess.run([binary, "stats", "--json"], cwd=folder, env=environment, stdout=subprocess.PIPE, check=True).stdout)["run"]
    taken.spread = told["bucket_spread_seconds"] / ((told["finished_at"] - told["created_at"]) / 1000)
    taken.events = events(folder)
    taken.state_bytes = sum(file.stat().st_size for file in (folder / ".backfill").rglob("*") if file.is_file())
    return taken


def events(folder):
    """Of all executions: the orchestrator and every executor."""
    with sqlite3.connect(f"file:{folder}/.backfill/engine.sqlite?mode=ro", uri=True) as state:
        return state.execute("SELECT sum(length) FROM event_batch").fetchone()[0]
