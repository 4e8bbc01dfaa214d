"""Compares what the targets hold with the source, record by record, and what the program says with both."""

from collections import Counter

from targets import copied
from violation import Violation


def halfway(place, variants=None):
    """What holds at any moment at which no process works: no checkpoint ahead of a sink, nothing doubled, nothing that is not the source's.

    Only for runs whose queries were staged whole, so that ordinals follow from the records' numbers.
    """
    passed, letters = checkpoints(place)
    for target in place.shape.targets:
        present = rows(place, target, variants)
        missing = passed - letters.get(target.subscription, set()) - present
        if missing:
            raise Violation(
                f"{target.subscription} lacks {_some(missing)}, which {'are' if len(missing) > 1 else 'is'} behind a checkpoint"
            )


def checkpoints(place):
    """The numbers of the records that are behind checkpoints, and for each subscription those that are dead letters."""
    file = place.state / "backfill.sqlite"
    passed, letters = set(), {}
    if not file.exists() or file.stat().st_size == 0:
        return passed, letters
    queries = place.shape.queries()
    with copied(file) as store:
        if not store.execute("SELECT 1 FROM sqlite_schema WHERE name = 'record_origin'").fetchone():
            return passed, letters
        newest = "run_id = (SELECT max(run_id) FROM run) AND kind = 'query'"
        for name, first, after in store.execute(
            f"SELECT q.name, b.first_ordinal, b.next_ordinal FROM bucket b JOIN query q USING (query_id) WHERE {newest}"
        ):
            passed.update(queries[name][first - 1 : after - 1])
        for name, ordinal, subscription in store.execute(
            f"SELECT q.name, d.ordinal, d.subscription FROM dead_letter d JOIN query q USING (query_id) WHERE q.{newest}"
        ):
            letters.setdefault(subscription, set()).add(queries[name][ordinal - 1])
    return passed, letters


def whole(place, lacking=None, variants=None, is_complete=True):
    """What holds at the end: each record once in every target, but for those that are said to be lacking in the tables with a CHECK."""
    lacking = lacking or set()
    everything = set(range(1, place.shape.people.count + 1))
    for target in place.shape.targets:
        due = everything - lacking if target.has_check else everything
        present = rows(place, target, variants)
        if present != due:
            absent, surplus = due - present, present - due
            what = f"lacks {_some(absent)}" if absent else f"holds {_some(surplus)}, which were refused"
            raise Violation(f"{target.subscription} {what}")
        if not target.is_table and is_complete and (target.leftovers() or not target.file.exists()):
            raise Violation(f"{target.subscription} is not finished though the run is complete; there are {target.leftovers()}")
    place.journal.note(f"{len(place.shape.targets)} targets hold what they should")


def told(place, run, lacking=(), standing="complete"):
    """What `stats` and `verify` say, against the truth."""
    records = place.shape.people.count
    stats = place.json("stats", run)
    due = {"records": records, "published": records - len(lacking), "dead_lettered": len(lacking), "dead_letters": _letters(place, lacking)}
    found = {name: stats["run"][name] for name in due}
    if found != due:
        raise Violation(f"stats says {found}; the truth is {due}")
    if stats["standing"] != standing:
        raise Violation(f"stats says the run is {stats['standing']}; it is {standing}")
    in_buckets = sum(bucket["published"] for bucket in stats["buckets"] if bucket["query"] in place.shape.queries())
    if in_buckets != records - len(lacking):
        raise Violation(f"the buckets of stats have published {in_buckets} records; the truth is {records - len(lacking)}")
    tables = [target for target in place.shape.targets if target.is_table]
    if tables:
        place.backfill("verify", run, "--quiet", status=0)


def _letters(place, lacking):
    return len(lacking) * sum(target.has_check for target in place.shape.targets)


def rows(place, target, variants=None):
    """The numbers of a target's rows, each of which must be the source's, or one of its variants, and be there once."""
    found = target.rows()
    place.tally.records += len(found)
    expected = place.shape.people.by_id()
    for row in found:
        if row != expected.get(row[0]) and not (variants and row in variants(expected.get(row[0]))):
            raise Violation(f"{target.subscription} holds {row!r}; the source has {expected.get(row[0])!r}")
    counts = Counter(row[0] for row in found)
    doubled = {number for number, count in counts.items() if count > 1}
    if doubled:
        raise Violation(f"{target.subscription} holds {_some(doubled)} more than once")
    return set(counts)


def _some(numbers):
    names = sorted(numbers)
    return f"{len(names)} records ({', '.join(map(str, names[:10]))}{'…' if len(names) > 10 else ''})"
