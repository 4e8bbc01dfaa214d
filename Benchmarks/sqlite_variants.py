"""From SQLite to SQLite."""

from functools import cache

from backfill_run import run
from customers import COLUMNS, SQLITE_TABLE, UPDATES, batches, digest, lay_out, query, source
from measurement import measure


class SQLiteToSQLite:
    def __init__(self, mode, batch):
        self.mode = mode
        self.batch = batch
        self.spec, self.target = {
            "upsert": ("samples/customers/customers.yaml", "customers-target.sqlite"),
            "append": ("samples/customers/customers-append.yaml", "customers-append.sqlite"),
        }[mode]

    def prepare(self, rows):
        """Returns the digest of what every target must hold; run.sh has made the source."""
        return digest_of_source(rows)

    def run_reference(self, rows, folder):
        (folder / "customers.sqlite").symlink_to(source(rows))
        with open(folder / "reference.sql", "w") as script:
            script.writelines(self.reference_script(rows))
        taken = measure(["sqlite3", "-batch", "-bail", "target.sqlite"], folder, folder / "output", folder / "reference.sql")
        return taken, digest_of(folder / "target.sqlite")

    def reference_script(self, rows):
        """One transaction per batch, each with its row of progress, as durable as `backfill` is."""
        conflict = f" ON CONFLICT(id) DO UPDATE SET {UPDATES}" if self.mode == "upsert" else ""
        yield "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;\n"
        yield "ATTACH 'file:customers.sqlite?mode=ro' AS source;\n"
        yield f"CREATE TABLE {SQLITE_TABLE};\n"
        yield "CREATE TABLE progress(batch INTEGER PRIMARY KEY, next_id INTEGER);\n"
        yield f"CREATE TEMP VIEW entry AS {query('customers.sql')};\n"
        for number, first, end in batches(rows, self.batch):
            yield (
                "BEGIN IMMEDIATE;"
                f"INSERT INTO customer_config SELECT * FROM entry WHERE id >= {first} AND id < {end}{conflict};"
                f"INSERT INTO progress VALUES ({number}, {end});"
                "COMMIT;\n"
            )

    def run_backfill(self, binary, rows, folder, text=None):
        """The sample's own spec, unless there is a text."""
        lay_out(rows, self.spec, folder, text)
        taken = run(binary, self.spec, folder)
        return taken, digest_of(folder / "samples" / "work" / self.target)


@cache
def digest_of_source(rows):
    return digest_of(source(rows), f"({query('customers.sql')})")


def digest_of(database, table="customer_config"):
    """Of all rows with their types, in the order of the key."""
    return digest(["sqlite3", "-readonly", "-quote", database, f"SELECT {', '.join(COLUMNS)} FROM {table} ORDER BY id"])
