"""What a person could take to fill a PostgreSQL table from a SQLite one: for each the command that loads, and the one after a crash."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from customers import WORK
from postgres_server import psql
from postgres_variants import join

HERE = Path(__file__).resolve().parent
PYTHON = WORK / "venv" / "bin" / "python"


class Backfill:
    """Every record once: `append`, with checkpoints. After a crash: `backfill resume`."""

    def __init__(self, binary):
        self.binary = binary

    def load(self, source, url, folder):
        (folder / "comparison.yaml").write_text(
            "name: comparison\n"
            f"source: 'sqlite:{source}'\n"
            "queries: [{name: entries, sql: SELECT * FROM customer_config, key: id}]\n"
            "buckets: 8\nbatch: 1000\nexecutors: 8\n"
            "sinks: [{table: {database: '${BACKFILL_POSTGRES}', name: customer_config, mode: append}}]\n"
        )
        return [self.binary, "run", "comparison.yaml"]

    def again(self, source, url, folder):
        listed = subprocess.run([self.binary, "stats", "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if listed.returncode != 0:
            return self.load(source, url, folder)  # It was killed before there was a run.
        return [self.binary, "resume", json.loads(listed.stdout)["run"]["run_id"]]


class Copy:
    """`sqlite3 | psql`: one COPY, one transaction. After a crash: the same once more."""

    def load(self, source, url, folder):
        export = ["sqlite3", "-readonly", "-batch", "-bail", "-csv", "-newline", "\n", source, "SELECT * FROM customer_config"]
        copy = psql(url, "--command", "COPY customer_config FROM STDIN (FORMAT csv)")
        return ["bash", "-c", f"set -o pipefail; {join(export)} | {join(copy)}"]

    again = load


class DuckDB:
    """Both databases attached, one INSERT … SELECT, which DuckDB does by COPY in one transaction. After a crash: the same once more."""

    def load(self, source, url, folder):
        return [PYTHON, "-B", HERE / "load_with_duckdb.py", source, url]

    again = load


class Dlt:
    """A pipeline that appends. After a crash: the same once more; dlt loads what its folder of pending packages holds."""

    def load(self, source, url, folder):
        return [PYTHON, "-B", HERE / "load_with_dlt.py", source, socket(url), database(url), folder / "dlt"]

    again = load


class Pgloader:
    """Commits 25,000 rows at a time. After a crash: the same once more; its manual has `truncate` for a table that holds rows."""

    def load(self, source, url, folder):
        (folder / "comparison.load").write_text(
            f"LOAD DATABASE FROM sqlite://{source} INTO postgresql://backfill@unix:{socket(url)}:5432/{database(url)}\n"
            "WITH data only, truncate, create no tables, create no indexes, reset no sequences;\n"
        )
        return ["pgloader", "--on-error-stop", "comparison.load"]

    again = load


def tool(name, binary):
    match name:
        case "backfill":
            return Backfill(binary)
        case "copy":
            return Copy()
        case "duckdb":
            return DuckDB()
        case "dlt":
            return Dlt()
        case "pgloader":
            return Pgloader()
    sys.exit(f"benchmark: there is no tool {name}")


def socket(url):
    return unquote(urlsplit(url).netloc.rpartition("@")[2])


def database(url):
    return url.rpartition("/")[2]
