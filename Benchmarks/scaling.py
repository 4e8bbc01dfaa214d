"""How far from a straight line is it? More rows, more buckets, smaller batches; one of them changes at a time.

- rows: each record takes as long as with the fewest rows;
- buckets: it takes as long as with as many as there are executors;
- batches: a run takes a + b · batches, the line through the fewest and the most; all of it is time of whole runs, so a is their start and end.
"""

from customers import changed
from sqlite_variants import SQLiteToSQLite

BUCKETS = (1, 2, 8, 64)
BATCHES = (10, 100, 1000, 10000)
USUAL = {"buckets": 8, "batch": 1000}


class Scaled(SQLiteToSQLite):
    """The upsert of the customers sample, with some settings changed."""

    def __init__(self, **settings):
        super().__init__("upsert", batch=1000)
        self.settings = {**USUAL, **settings}

    def run_backfill(self, binary, rows, folder):
        return super().run_backfill(binary, rows, folder, changed(self.spec, **self.settings))


def points(largest):
    """Kind, rows, and the settings of each run. The number of batches is what costs where they are small, so fewer rows do for those."""
    for rows in (largest // 8, largest // 4, largest // 2, largest):
        yield "rows", rows, {}
    for buckets in BUCKETS:
        yield "buckets", largest // 8, {"buckets": buckets}
    for batch in BATCHES:
        yield "batches", largest // 8, {"batch": batch}


def off_the_line(results):
    """For each of the results (kind, rows, settings, taken): its seconds over those of its line, less 1; None where the line is fixed."""
    for kind, rows, settings, taken in results:
        same = [(r, {**USUAL, **s}, t) for k, r, s, t in results if k == kind]
        expected = None
        match kind:
            case "rows" if rows != same[0][0]:
                expected = same[0][2].seconds * rows / same[0][0]
            case "buckets" if settings["buckets"] != USUAL["buckets"]:
                expected = next(t.seconds for _, s, t in same if s["buckets"] == USUAL["buckets"])
            case "batches" if settings["batch"] not in (BATCHES[0], BATCHES[-1]):
                (most, slowest), (fewest, fastest) = ((r / s["batch"], t.seconds) for r, s, t in (same[0], same[-1]))
                expected = fastest + (slowest - fastest) / (most - fewest) * (rows / settings["batch"] - fewest)
        yield taken.seconds / expected - 1 if expected else None
