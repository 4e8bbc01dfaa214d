"""What the workflows of temporal_workflows.py do to the databases."""

import sqlite3
import threading
from dataclasses import dataclass

import psycopg
from temporalio import activity

from customers import query

# COPY in PostgreSQL's binary format is what psycopg is fastest with here, by a little.
TYPES = ["int8", "text", "text", "text", "text", "float8", "text"]


@dataclass
class IDs:
    first: int
    end: int


@dataclass
class Slice:
    first: int
    end: int
    batch: int


class Activities:
    def __init__(self, source, url):
        self.source = source
        self.url = url
        # Connections, which live as long as the thread.
        self.own = threading.local()

    @activity.defn
    def prepare(self) -> IDs:
        source, target = self.connections()
        with target.transaction():
            target.execute("CREATE TABLE IF NOT EXISTS progress(first_id bigint PRIMARY KEY)")
        return IDs(*source.execute("SELECT min(id), max(id) + 1 FROM entry").fetchone())

    @activity.defn
    def load(self, slice: Slice) -> int:
        """Each batch is a transaction with its row of progress, so that a second attempt writes nothing twice. Returns the records."""
        source, target = self.connections()
        records = 0
        for first in range(slice.first, slice.end, slice.batch):
            if first > slice.first:
                activity.heartbeat(first)
            rows = source.execute("SELECT * FROM entry WHERE id >= ? AND id < ?", (first, min(first + slice.batch, slice.end))).fetchall()
            records += len(rows)
            with target.transaction(), target.cursor() as cursor:
                if cursor.execute("INSERT INTO progress VALUES (%s) ON CONFLICT DO NOTHING", (first,)).rowcount == 0:
                    continue
                with cursor.copy("COPY customer_config FROM STDIN (FORMAT binary)") as copy:
                    copy.set_types(TYPES)
                    for row in rows:
                        copy.write_row(row)
        return records

    def connections(self):
        if not hasattr(self.own, "source"):
            self.own.source = sqlite3.connect(f"file:{self.source}?mode=ro", uri=True)
            self.own.source.execute(f"CREATE TEMP VIEW entry AS {query('customers.sql')}")
            self.own.target = psycopg.connect(self.url)
        return self.own.source, self.own.target
