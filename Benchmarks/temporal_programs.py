"""What loads the customers through a Temporal server: for each program what its workers run, and what has them load."""

import sys

from customers import lay_out, source
from tools import HERE, PYTHON

SPEC = "samples/postgres/from-sqlite-append.yaml"


class Python:
    """The official SDK. Local activities run within the workflow's task, so that the server schedules none of them."""

    def __init__(self, batches=1, local=False):
        self.settings = [str(batches), *(["local"] if local else [])]

    def prepare(self, rows, folder):
        self.source = source(rows)

    def worker(self, address, url):
        return [PYTHON, "-B", HERE / "load_with_temporal.py", "worker", address, self.source, url]

    def load(self, address):
        return [PYTHON, "-B", HERE / "load_with_temporal.py", "run", address, *self.settings]


class Backfill:
    """The sample's spec: append, eight buckets and executors, batches of 1,000; what it is told of PostgreSQL stands in its environment."""

    def __init__(self, binary, batches, state=None):
        self.binary = binary
        self.batches = batches
        # Of a URL: the state lies in the target's database, as it does for workers that share no folder.
        self.state = state

    def prepare(self, rows, folder):
        lay_out(rows, SPEC, folder)

    def worker(self, address, url):
        return [self.binary, "worker", "--engine", address, "--batches-per-activity", str(self.batches), *self.place]

    def load(self, address):
        return [self.binary, "run", SPEC, "--engine", address, *self.place]

    @property
    def place(self):
        return ["--state", self.state] if self.state else []


def program(name, binary, url):
    match name:
        case "python":
            return Python()
        case "python-local":
            return Python(local=True)
        case "python-20":
            return Python(batches=20)
        case "backfill":
            return Backfill(binary, batches=20)
        case "backfill-1":
            return Backfill(binary, batches=1)
        case "backfill-postgres":
            return Backfill(binary, batches=20, state=url)
    sys.exit(f"benchmark: there is no program {name}")
