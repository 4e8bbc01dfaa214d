import storm
import truth
from shape import Shape
from violation import Violation


def canary(place):
    """First a part of the records, then all: what the canary has appended is not appended again."""
    shape = Shape(place, sinks=("sqlite append", "postgresql append"))
    limit = place.random.randint(1, shape.people.count // 2)
    # Which records of a limited run are behind a checkpoint follows from the same ordinals.
    first = storm.through(place, begin=("run", "spec.yaml", "--limit", str(limit), "--quiet"))["run_id"]
    due = set().union(*(list(numbers)[:limit] for numbers in shape.queries().values()))
    for target in shape.targets:
        if {row[0] for row in target.rows()} != due:
            raise Violation(f"{target.subscription} does not hold the first {limit} records of each query")
    place.journal.note("the canary is complete")
    run = storm.through(
        place, begin=("run", "spec.yaml", "--quiet"), has_begun=lambda run: run["run_id"] != first,
        over=lambda run: run["run_id"] != first and storm.is_over(run), check=lambda place: _once(place),
    )["run_id"]
    truth.whole(place)
    place.backfill("verify", run, "--own-keys", "--quiet", status=0)


def _once(place):
    for target in place.shape.targets:
        truth.rows(place, target)
