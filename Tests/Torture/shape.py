"""What a scenario is made of, as the seed has it: how many records, from where, to where, cut how."""

import sqlite3

from people import COLUMNS, People
from targets import File, PostgreSQLTable, SQLiteTable

SINKS = {
    "sqlite append": lambda place: SQLiteTable(place, "appended", "append"),
    "sqlite upsert": lambda place: SQLiteTable(place, "upserted", "upsert"),
    "postgresql append": lambda place: PostgreSQLTable(place, "appended", "append"),
    "postgresql upsert": lambda place: PostgreSQLTable(place, "upserted", "upsert"),
    "ndjson": lambda place: File(place, "people.ndjson"),
    "csv": lambda place: File(place, "people.csv"),
}
PATIENCE = "{initial-interval: 50ms, maximum-interval: 500ms, maximum-attempts: 1000}"
IMPATIENCE = "{initial-interval: 10ms, maximum-attempts: 2}"


class Shape:
    """
    poisoned: how many records the tables refuse.
    sinks: the names of those that may be chosen; one to three are.
    """

    def __init__(
        self, place, records=(300, 4000), poisoned=0, sinks=tuple(SINKS), source=("sqlite", "sqlite", "postgresql"), retry=PATIENCE
    ):
        random = place.random
        count = random.randint(*records)
        self.people = People(count, random.sample(range(1, count + 1), poisoned))
        self.source = random.choice(source)
        names = random.sample(sinks, random.randint(1, min(3, len(sinks))))
        # A table that takes a record twice shows it best.
        if poisoned and not any(" " in name for name in names):
            names[0] = random.choice([name for name in sinks if name.endswith("append")])
        self.targets = []
        (place.folder / "target").mkdir(exist_ok=True)
        for name in names:
            self.targets.append(SINKS[name](place))
        self.uses_postgresql = self.source == "postgresql" or any("postgresql" in name for name in names)
        self.buckets = random.choice(["1", "3", "8", "{count: 4, by: bytes}", "{size: 700}"])
        self.batch = random.choice([7, 50, 50, 200, 200, 1000, 5000])
        # A run of many tiny batches takes long and shows no more.
        self.batch = max(self.batch, count // 300)
        self.executors = random.choice([1, 2, 4, 8])
        self.history_limit = random.choice([100, 25000])
        self.retry = retry
        # Slow enough to be met in the middle, or as fast as it goes, with whole batches in flight.
        pace = int(count / random.uniform(1, 6))
        self.more = [f"pace: {pace}/s"] if random.random() < 0.7 else []
        # The number at which one query ends and the next begins.
        self.cut = random.choice([0, 0, count // 3])
        self.table = "person"
        self.score = "score"
        self._make_source(place)
        place.shape = self
        place.journal.note(
            f"{count} records from {self.source} to {', '.join(names)}; buckets {self.buckets}, batch {self.batch}, executors "
            f"{self.executors}, history limit {self.history_limit}, cut at {self.cut}, {poisoned} poisoned, {' '.join(self.more)}"
        )
        self.write(place)

    def _make_source(self, place):
        if self.source == "postgresql":
            self.table = f"{place.schema()}.person"
            self.address = place.server.url
            place.server.fill(self.table, self.people.rows())
            return
        file = place.folder / "source.sqlite"
        self.address = f"sqlite:{file}"
        connection = sqlite3.connect(file)
        with connection:
            connection.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, note TEXT, score REAL, data BLOB)")
            connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?)", self.people.rows())
        connection.close()

    def queries(self):
        """Each query's name and the numbers of its records, in order."""
        count = self.people.count
        if not self.cut:
            return {"all": range(1, count + 1)}
        return {"low": range(1, self.cut + 1), "high": range(self.cut + 1, count + 1)}

    def write(self, place):
        """Writes the spec."""
        columns = ", ".join(f"{self.score} AS score" if column == "score" else column for column in COLUMNS)
        lines = ["name: torture", f'source: "{self.address}"', "queries:"]
        for name, numbers in self.queries().items():
            where = f"id BETWEEN {numbers.start} AND {numbers.stop - 1}"
            lines.append(f'  - {{name: {name}, sql: "SELECT {columns} FROM {self.table} WHERE {where} ORDER BY id", key: id}}')
        lines += [
            f"buckets: {self.buckets}", f"batch: {self.batch}", f"executors: {self.executors}", f"history-limit: {self.history_limit}",
            f"retry: {self.retry}", *self.more, "sinks:", *(f"  - {target.yaml()}" for target in self.targets),
        ]
        (place.folder / "spec.yaml").write_text("\n".join(lines) + "\n")
