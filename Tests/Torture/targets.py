"""What a sink of each kind holds at the moment, read as a stranger would read it, without touching what a killed process left."""

import base64
import json
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path

from violation import Violation


@contextmanager
def copied(database):
    """A connection to a copy of a SQLite database and its log: opening the database itself would mend what the next life has to mend."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        shutil.copyfile(database, copy)
        log = Path(f"{database}-wal")
        if log.exists():
            shutil.copyfile(log, f"{copy}-wal")
        connection = sqlite3.connect(copy)
        try:
            yield connection
        finally:
            connection.close()


def sqlite_rows(file, table):
    """None when there is no such table."""
    if not file.exists() or file.stat().st_size == 0 and not Path(f"{file}-wal").exists():
        return None
    with copied(file) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
            return None
        return connection.execute(f"SELECT id, name, note, score, data FROM {table}").fetchall()


class SQLiteTable:
    """`mode` is append or upsert; without a key, so that a doubled record of an append shows."""

    is_table = True

    def __init__(self, place, table, mode):
        self.file, self.table, self.mode = place.folder / "target" / "target.sqlite", table, mode
        self.subscription = f"table {table}"
        self.has_check = False

    def yaml(self):
        return f'table: {{database: "sqlite:{self.file}", name: {self.table}, mode: {self.mode}, create: true}}'

    def make(self, check):
        """Makes the table beforehand, with a CHECK that refuses the poisoned records."""
        self.has_check = check
        key = " PRIMARY KEY" if self.mode == "upsert" else ""
        refuse = " CHECK (name <> 'poison')" if check else ""
        self._execute(f"CREATE TABLE {self.table} (id INTEGER{key}, name TEXT{refuse}, note TEXT, score REAL, data BLOB)")

    def mend(self):
        """Takes the CHECK away, as a person would who has to: by a table without it."""
        self._execute(f"ALTER TABLE {self.table} RENAME TO {self.table}_old")
        self.make(False)
        self._execute(f"INSERT INTO {self.table} SELECT * FROM {self.table}_old; DROP TABLE {self.table}_old")

    def _execute(self, script):
        connection = sqlite3.connect(self.file, timeout=60)
        try:
            connection.executescript(script)
        finally:
            connection.close()

    def rows(self):
        return sqlite_rows(self.file, self.table) or []

    @contextmanager
    def held(self):
        """Locked meanwhile, as another program may lock it."""
        connection = sqlite3.connect(self.file, timeout=60, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()


class PostgreSQLTable:
    is_table = True

    def __init__(self, place, table, mode):
        self.server, self.table, self.mode = place.server, f"{place.schema()}.{table}", mode
        self.subscription = f"table {self.table}"
        self.has_check = False

    def yaml(self):
        return f'table: {{database: "{self.server.url}", name: {self.table}, mode: {self.mode}, create: true}}'

    def make(self, check):
        self.has_check = check
        key = " PRIMARY KEY" if self.mode == "upsert" else ""
        refuse = " CONSTRAINT refuse CHECK (name <> 'poison')" if check else ""
        self.server.sql(
            f"CREATE TABLE {self.table} (id bigint{key}, name text{refuse}, note text, score double precision, data bytea)"
        )

    def mend(self):
        self.server.sql(f"ALTER TABLE {self.table} DROP CONSTRAINT refuse")
        self.has_check = False

    def rows(self):
        return self.server.rows(self.table)

    @contextmanager
    def held(self):
        with self.server.held(self.table):
            yield


class File:
    """Finished, or as much of the unfinished one as its ledger counts."""

    is_table = False
    mode = "append"
    has_check = False

    def __init__(self, place, name):
        self.file = place.folder / "target" / name
        self.subscription = f"file {name}"
        self.partial = self.file.with_name(name + ".partial")
        self.ledger = self.file.with_name(name + ".ledger")

    def yaml(self):
        return f"file: {{path: {self.file}}}"

    def rows(self):
        read = _csv_rows if self.file.suffix == ".csv" else _json_rows
        try:
            return read(self.content().decode())
        except (ValueError, IndexError, KeyError) as error:
            raise Violation(f"{self.subscription} holds what is no record: {error}") from None

    def content(self):
        if self.file.exists():
            return self.file.read_bytes()
        if not self.ledger.exists() or not self.partial.exists():
            return b""
        with copied(self.ledger) as connection:
            has_table = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'file'").fetchone()
            found = connection.execute("SELECT committed_bytes FROM file").fetchone() if has_table else None
        return self.partial.read_bytes()[: found[0] if found else 0]

    def leftovers(self):
        """Files that only an unfinished run may have."""
        return [file.name for file in (self.partial, self.ledger, Path(f"{self.ledger}-wal")) if file.exists()]


def _json_rows(text):
    rows = []
    for line in text.split("\n")[:-1]:
        record = json.loads(line)
        data = record["data"]
        rows.append(
            (record["id"], record["name"], record["note"], float(record["score"]), None if data is None else base64.b64decode(data))
        )
    return rows


def _csv_rows(text):
    """An empty field is NULL, an empty one in quotes is empty."""
    rows, position = [], 0
    while position < len(text):
        row = []
        while True:
            if text[position] == '"':
                end = position + 1
                while text[end] != '"' or text[end : end + 2] == '""':
                    end += 2 if text[end] == '"' else 1
                row.append(text[position + 1 : end].replace('""', '"'))
                position = end + 1
            else:
                end = min(at for at in (text.find(",", position), text.find("\n", position)) if at >= 0)
                row.append(text[position:end].rstrip("\r") or None)
                position = end
            if text[position] == "\r":
                position += 1
            position += 1
            if text[position - 1] == "\n":
                break
        rows.append(row)
    return [
        (int(number), name, note, float(score), None if data is None else base64.b64decode(data))
        for number, name, note, score, data in rows[1:]
    ]
