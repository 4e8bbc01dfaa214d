"""A PostgreSQL server of the session's own, which may be stopped, started and asked."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "samples/postgres/server.sh"
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def _psql():
    """The newest one itself: Debian's `psql` is a script around it that takes longer than most of what is asked here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else "psql"


class Server:
    def __init__(self, folder):
        self._folder = str(folder)
        self._schemas = 0
        self._psql = _psql()
        self.url = self._control("start", "--fast", self._folder)

    def _control(self, *arguments):
        end = subprocess.run([SCRIPT, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if end.returncode != 0:
            raise RuntimeError(f"server.sh {' '.join(arguments)}: {end.stderr}")
        return end.stdout.strip()

    def stop(self, how):
        self._control("stop", self._folder, how)

    def start(self):
        self._control("start", self._folder)

    def remove(self):
        self._control("remove", self._folder)

    def sql(self, text, data=None):
        """Executes statements; what they print, as bytes decoded."""
        end = subprocess.run(
            [self._psql, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", text, self.url],
            input=data, capture_output=True,
        )
        if end.returncode != 0:
            raise RuntimeError(f"psql: {end.stderr.decode()}")
        return end.stdout.decode()

    @contextmanager
    def held(self, table):
        """A table that another session has locked meanwhile."""
        session = subprocess.Popen(
            [self._psql, "--no-psqlrc", "--quiet", self.url], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            session.stdin.write(f"BEGIN; LOCK TABLE {table};\n".encode())
            session.stdin.flush()
            yield
        finally:
            session.stdin.close()
            session.wait()

    @contextmanager
    def slow_commits(self):
        """No commit ends meanwhile: each waits for a standby that does not exist, with all that it holds, also when its client is gone."""
        self._set_standby("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try:
            yield
        finally:
            self._set_standby("ALTER SYSTEM RESET synchronous_standby_names")

    def _set_standby(self, text):
        # One at a time: ALTER SYSTEM wants no transaction around it.
        self.sql(text)
        self.sql("SELECT pg_reload_conf()")

    def new_schema(self):
        self._schemas += 1
        name = f"torture_{self._schemas}"
        self.sql(f"CREATE SCHEMA {name}")
        return name

    def fill(self, table, rows):
        """Makes the source's table."""
        self.sql(f"CREATE TABLE {table} (id bigint PRIMARY KEY, name text, note text, score double precision, data bytea)")
        self.sql(f"COPY {table} FROM STDIN", "".join(_line(row) for row in rows).encode())

    def rows(self, table):
        """Every row of a table; none when there is no table."""
        if self.sql(f"SELECT to_regclass('{table}')").strip() == "":
            return []
        text = self.sql(f"COPY (SELECT id, name, note, score, encode(data, 'hex') FROM {table}) TO STDOUT")
        return [_row(line) for line in text.split("\n")[:-1]]


def _line(row):
    def field(value):
        if value is None:
            return "\\N"
        if isinstance(value, bytes):
            return "\\\\x" + value.hex()
        text = str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        return text.replace("\r", "\\r")

    return "\t".join(field(value) for value in row) + "\n"


def _row(line):
    def field(text):
        if text == "\\N":
            return None
        parts = text.split("\\")
        plain, index = parts[0], 1
        while index < len(parts):
            part = parts[index]
            if part == "":
                # An escaped backslash: the split has cut it in two.
                plain += "\\" + (parts[index + 1] if index + 1 < len(parts) else "")
                index += 2
            else:
                plain += ESCAPES[part[0]] + part[1:]
                index += 1
        return plain

    number, name, note, score, data = (field(text) for text in line.split("\t"))
    return (int(number), name, note, float(score), None if data is None else bytes.fromhex(data))

