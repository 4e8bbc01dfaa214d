import storm
import truth
from life import cut_short
from shape import Shape
from violation import Violation


def amended(place):
    """The SQL turns out wrong in mid-run, is mended, and taken by `resume --spec`: each record once, and none by the old SQL after that."""
    shape = Shape(place, records=(1500, 6000))
    right, shape.score = shape.score, "score * 0"
    shape.write(place)
    run = cut_short(place, ["run", "spec.yaml", "--quiet"], place.random.uniform(0.05, 0.8))
    if run is None:
        return
    before = [_with_old_value(target) for target in shape.targets]
    shape.score = right
    shape.write(place)
    storm.through(
        place, carry_on=lambda run: ["resume", run, "--spec", "spec.yaml", "--quiet"], check=lambda place: _nothing_doubled(place),
    )
    truth.whole(place, variants=_by_old_sql)
    for target, numbers in zip(shape.targets, before):
        later = _with_old_value(target) - numbers
        if later:
            raise Violation(f"{target.subscription} holds {sorted(later)[:10]} by the old SQL, published after it was mended")
    stats = place.json("stats", run["run_id"])["run"]
    if stats["published"] != shape.people.count or stats["records"] != shape.people.count:
        raise Violation(f"stats says {stats['published']} of {stats['records']} were published; the truth is {shape.people.count}")
    if any(target.is_table for target in shape.targets):
        place.backfill("verify", run["run_id"], "--quiet", status=0)


def _with_old_value(target):
    return {row[0] for row in target.rows() if row[3] == 0.0}


def _nothing_doubled(place):
    for target in place.shape.targets:
        truth.rows(place, target, _by_old_sql)


def _by_old_sql(row):
    """What else a record may be than what the source has."""
    return [] if row is None else [(*row[:3], 0.0, row[4])]
