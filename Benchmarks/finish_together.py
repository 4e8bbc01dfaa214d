"""Do executors finish together? Even buckets against one bucket for each year in which customers registered, as one might cut by hand.

Both load the same customers with eight executors. By hand, there are twelve queries with one bucket each, and each reads only its own
customers: a year is a range of ids in the sample. So nothing but the sizes, 1 to 34 per cent of all, tells the two apart.
"""

import sqlite3
import sys

from customers import lay_out, query, source
from backfill_run import run
from sqlite_variants import SQLiteToSQLite, digest_of

EXECUTORS = 8
SPEC = "samples/customers/by-year.yaml"


class EvenBuckets(SQLiteToSQLite):
    def __init__(self):
        super().__init__("upsert", batch=1000)


class BucketOfEachYear:
    def prepare(self, rows):
        return EvenBuckets().prepare(rows)

    def run_backfill(self, binary, rows, folder):
        lay_out(rows, SPEC, folder, by_year(rows))
        taken = run(binary, SPEC, folder)
        return taken, digest_of(folder / "samples" / "work" / "by-year.sqlite")


def by_year(rows):
    lines = ["name: by-year", "source: sqlite:../work/customers.sqlite", "queries:"]
    for year, first, last in years(rows):
        text = " ".join(line for line in query("customers.sql").splitlines() if not line.lstrip().startswith("--"))
        text = text.replace("ORDER BY id", f"WHERE id BETWEEN {first} AND {last} ORDER BY id").replace("'", "''")
        lines.append(f"  - {{name: registered-{year}, key: id, sql: '{text}'}}")
    lines += [
        "buckets: 1",
        "batch: 1000",
        f"executors: {EXECUTORS}",
        "sinks: [{table: {database: 'sqlite:../work/by-year.sqlite', name: customer_config, mode: upsert, create: true}}]",
    ]
    return "\n".join(lines) + "\n"


def years(rows):
    with sqlite3.connect(f"file:{source(rows)}?mode=ro", uri=True) as database:
        found = database.execute("SELECT substr(registered, 1, 4), min(id), max(id), count(*) FROM customers GROUP BY 1 ORDER BY 1").fetchall()
    if any(last - first + 1 != count for _, first, last, count in found):
        sys.exit("benchmark: the sample's customers do not stand in the order of their registration any more; cut them otherwise")
    return [(year, first, last) for year, first, last, _ in found]
