"""From SQLite to PostgreSQL, and back."""

import shlex
import subprocess
from functools import cache

from backfill_run import run
from customers import COLUMNS, ROOT, SQLITE_TABLE, UPDATES, batches, digest, lay_out, query, source
from measurement import measure
from postgres_server import psql

COLUMN_TYPES = "id bigint, service text, display_name text, locale text, settings text, balance double precision, updated_at text"
TABLE = f"customer_config({COLUMN_TYPES}, PRIMARY KEY (id))"


class SQLiteToPostgres:
    def __init__(self, mode, batch, server):
        self.mode = mode
        self.batch = batch
        self.server = server

    def prepare(self, rows):
        return digest_of_source(rows)

    def run_reference(self, rows, folder):
        """A pipe: one `sqlite3` writes the script, rows and all, that one `psql` runs meanwhile; both are measured."""
        url = self.server.fresh("target")
        with open(folder / "export.sql", "w") as script:
            script.writelines(self.export_script(rows))
        export = ["sqlite3", "-readonly", "-batch", "-bail", "-csv", "-newline", "\n", source(rows)]
        pipe = f"set -o pipefail; {join(export)} < export.sql | {join(psql(url))}"
        taken = self.server.measure(lambda: measure(["bash", "-c", pipe], folder, folder / "output"))
        return taken, digest_of_postgres(url)

    def export_script(self, rows):
        """What `sqlite3` runs to write the script for `psql`: one transaction per batch, each with its row of progress."""
        yield f"CREATE TEMP VIEW entry AS {query('customers.sql')};\n"
        for statement in (f"CREATE TABLE {TABLE};", "CREATE TABLE progress(batch bigint PRIMARY KEY, next_id bigint);"):
            yield from printed(statement)
        landing = "customer_config"
        if self.mode == "upsert":
            landing = "incoming"
            yield from printed("CREATE TEMP TABLE incoming (LIKE customer_config) ON COMMIT DELETE ROWS;")
        for number, first, end in batches(rows, self.batch):
            yield from printed(f"BEGIN; COPY {landing} FROM STDIN (FORMAT csv);")
            yield f"SELECT * FROM entry WHERE id >= {first} AND id < {end};\n"
            yield from printed("\\.")
            if self.mode == "upsert":
                yield from printed(f"INSERT INTO customer_config SELECT * FROM incoming ON CONFLICT (id) DO UPDATE SET {UPDATES};")
            yield from printed(f"INSERT INTO progress VALUES ({number}, {end}); COMMIT;")

    def run_backfill(self, binary, rows, folder):
        url = self.server.fresh("target")
        spec = {
            "upsert": "samples/postgres/from-sqlite.yaml",
            "append": "samples/postgres/from-sqlite-append.yaml",
        }[self.mode]
        lay_out(rows, spec, folder)
        taken = self.server.measure(lambda: run(binary, spec, folder, url))
        return taken, digest_of_postgres(url)


class PostgresToSQLite:
    def __init__(self, server):
        self.server = server
        self.url = server.database("source")

    def prepare(self, rows):
        self.server.fresh("source")
        subprocess.run([ROOT / "samples" / "postgres" / "make.sh", self.url, str(rows), source(rows)], check=True)
        return digest_of_source(rows)

    def run_reference(self, rows, folder):
        """Two steps, both measured: `psql` writes a CSV file, and one `sqlite3` imports it in one transaction."""
        with open(folder / "export.sql", "w") as script:
            script.write(f"COPY ({query('customers-postgres.sql')}) TO STDOUT (FORMAT csv, NULL '\\N');\n")
        with open(folder / "import.sql", "w") as script:
            script.writelines(
                [
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;\n",
                    f"CREATE TABLE {SQLITE_TABLE};\n",
                    ".import --csv rows.csv customer_config\n",
                    # An import knows no NULL.
                    "UPDATE customer_config SET locale = nullif(locale, '\\N'), settings = nullif(settings, '\\N'),",
                    " balance = nullif(balance, '\\N') WHERE '\\N' IN (locale, settings, balance);\n",
                ]
            )
        steps = f"{join(psql(self.url))} --file export.sql > rows.csv && sqlite3 -batch -bail target.sqlite < import.sql"
        taken = self.server.measure(lambda: measure(["bash", "-c", steps], folder, folder / "output"))
        return taken, digest_of_sqlite(folder / "target.sqlite")

    def run_backfill(self, binary, rows, folder):
        spec = "samples/postgres/to-sqlite.yaml"
        lay_out(rows, spec, folder)
        taken = self.server.measure(lambda: run(binary, spec, folder, self.url))
        return taken, digest_of_sqlite(folder / "samples" / "work" / "customers-from-postgres.sqlite")


def join(command):
    return shlex.join(str(word) for word in command)


def printed(line):
    """Has `sqlite3` write the line as it is."""
    yield f".print '{line}'\n"


@cache
def digest_of_source(rows):
    return digest_of_sqlite(source(rows), f"({query('customers.sql')})")


# The two below give the same for the same rows in either kind of database, whatever the types of its columns: text in hexadecimal digits,
# a balance in whole cents (all are), a time to its seconds in UTC, and NULL apart from an empty text.
def digest_of_sqlite(database, table="customer_config"):
    cells = {
        "id": "id",
        "balance": "CAST(round(balance * 100) AS INTEGER) || iif(balance = round(balance * 100) / 100.0, '', ' inexact')",
        "updated_at": "replace(substr(updated_at, 1, 19), ' ', 'T')",
    }
    columns = ", ".join(f"iif({name} IS NULL, '-', {cells.get(name, f'hex({name})')})" for name in COLUMNS)
    return digest(["sqlite3", "-readonly", "-list", database, f"SELECT {columns} FROM {table} ORDER BY id"])


def digest_of_postgres(url):
    cells = {
        "id": "id",
        "balance": "round(balance * 100)::bigint || CASE WHEN balance = round(balance * 100) / 100.0 THEN '' ELSE ' inexact' END",
        "updated_at": "replace(left(updated_at::text, 19), ' ', 'T')",
    }
    columns = ", ".join(f"coalesce(({cells.get(name, hexadecimal(name))})::text, '-')" for name in COLUMNS)
    return digest(psql(url, "--command", f"COPY (SELECT {columns} FROM customer_config ORDER BY id) TO STDOUT (DELIMITER '|')"))


def hexadecimal(name):
    return f"upper(encode(convert_to({name}::text, 'UTF8'), 'hex'))"
