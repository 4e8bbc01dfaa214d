"""What does `stage: direct` save? The same customers by the same spec, with and without a staged file in between."""

from backfill_run import run
from customers import ROOT, lay_out
from postgres_variants import PostgresToSQLite, digest_of_sqlite
from sqlite_variants import SQLiteToSQLite

SPEC = "samples/postgres/to-sqlite.yaml"


def pairs(server):
    """For each way: its name, what makes the source and tells its digest, and a run for each of both stages."""
    from_sqlite, from_postgres = SQLiteToSQLite("upsert", batch=1000), PostgresToSQLite(server)

    def sqlite(stage):
        return lambda binary, rows, folder: from_sqlite.run_backfill(binary, rows, folder, staged(from_sqlite.spec, stage))

    def postgres(stage):
        def both(binary, rows, folder):
            lay_out(rows, SPEC, folder, staged(SPEC, stage))
            taken = server.measure(lambda: run(binary, SPEC, folder, from_postgres.url))
            return taken, digest_of_sqlite(folder / "samples" / "work" / "customers-from-postgres.sqlite")

        return both

    yield "SQLite to SQLite", from_sqlite, {stage: sqlite(stage) for stage in ("file", "direct")}
    yield "PostgreSQL to SQLite", from_postgres, {stage: postgres(stage) for stage in ("file", "direct")}


def staged(spec, stage):
    return (ROOT / spec).read_text() + f"stage: {stage}\n"
