"""From SQLite to a file."""

import os
import subprocess

from backfill_run import run
from customers import COLUMNS, WORK, digest, lay_out, query, source
from measurement import measure


class SQLiteToNDJSON:
    spec = "samples/customers/customers-ndjson.yaml"

    def prepare(self, rows):
        """Returns the digest of what every file must hold."""
        with open(WORK / "expected.ndjson", "wb") as file:
            subprocess.run(["sqlite3", "-readonly", "-batch", "-bail", source(rows), export()], stdout=file, check=True)
        try:
            return digest_of_lines(WORK / "expected.ndjson")
        finally:
            os.remove(WORK / "expected.ndjson")

    def run_reference(self, rows, folder):
        """One `sqlite3` whose output is the file. Nothing waits for the disk, and a file that was cut off looks like a whole one."""
        target = folder / "target.ndjson"
        taken = measure(["sqlite3", "-readonly", "-batch", "-bail", source(rows), export()], folder, target)
        return taken, digest_of_lines(target)

    def run_backfill(self, binary, rows, folder):
        lay_out(rows, self.spec, folder)
        taken = run(binary, self.spec, folder)
        return taken, digest_of_lines(folder / "samples" / "work" / "customers.ndjson")


def export():
    members = ", ".join(f"'{name}', {name}" for name in COLUMNS)
    return f"SELECT json_object({members}) FROM ({query('customers.sql')})"


def digest_of_lines(file):
    """Of the lines in the order of their bytes, since those of different buckets interleave."""
    folder = file.parent
    environment = {**os.environ, "LC_ALL": "C"}
    return digest(["sort", "--buffer-size=512M", f"--temporary-directory={folder}", file], environment)
