import storm
import truth
from shape import Shape
from violation import Violation


def poisoned(place):
    """Some records are refused, by CHECKs; once the tables are mended each arrives by a redrive, once."""
    random = place.random
    shape = Shape(place, poisoned=random.randint(1, 40))
    tolerated = random.random() < 0.3
    shape.more.append(f"tolerate: {100 if tolerated else 0}")
    shape.write(place)
    tables = [target for target in shape.targets if target.is_table]
    for table in tables:
        table.make(check=random.random() < 0.8 or table is tables[0])
    # A table may be mended between two lives: then a record that was refused in a batch that was broken off arrives, or stays a dead
    # letter.
    mended_after = random.choice([None, None, 0, 1])
    refusing = [table for table in tables if table.has_check]

    def after(life):
        if life == mended_after and place.newest() and not storm.is_over(place.newest()):
            place.journal.fault("mended tables between two lives")
            _mend(refusing)

    run = storm.through(place, after=after)["run_id"]
    _, letters = truth.checkpoints(place)
    if any(table.has_check for table in tables):
        truth.whole(place, lacking=shape.people.poisoned, is_complete=tolerated)
        truth.told(place, run, lacking=shape.people.poisoned, standing="complete" if tolerated else "incomplete")
    else:
        _each_here_or_a_letter(place, letters)
    if not any(letters.values()):
        return
    _mend([table for table in refusing if table.has_check])
    storm.through(
        place, begin=("dead-letters", "redrive", run, "--quiet"), has_begun=lambda run: run["standing"] == "interrupted",
        over=lambda run: run["standing"] == "complete" and run["dead_letters"] == 0, sees_progress=False, check=lambda place: None,
    )
    place.journal.note("redriven")
    truth.whole(place)
    truth.told(place, run)
    end = place.backfill("dead-letters", "redrive", run)
    if end.status != 2:
        raise Violation(f"a second redrive had something to do\n{end}")


def _mend(tables):
    for table in tables:
        table.mend()


def _each_here_or_a_letter(place, letters):
    everything = set(range(1, place.shape.people.count + 1))
    for target in place.shape.targets:
        present, dead = {row[0] for row in target.rows()}, letters.get(target.subscription, set())
        if present | dead != everything or present & dead:
            raise Violation(
                f"{target.subscription}: {sorted(everything - present - dead)[:10]} neither arrived nor are dead letters, "
                f"and {sorted(present & dead)[:10]} are both"
            )
