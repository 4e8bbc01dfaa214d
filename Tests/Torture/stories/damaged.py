import shutil

import storm
import truth
from life import cut_short
from shape import SINKS, Shape
from targets import copied
from violation import Violation


def _interrupted(place, most=0.7):
    """Begins a run and kills it in the middle; its id, or None when it was over sooner."""
    run = cut_short(place, ["run", "spec.yaml", "--quiet"], place.random.uniform(0.1, most))
    return run and run["run_id"]


def _refused(place, arguments, *words):
    end = place.backfill(*arguments)
    if end.status not in (1, 2):
        raise Violation(f"the damage was not found\n{end}")
    missing = [word for word in words if word not in end.notes]
    if missing:
        raise Violation(f"the damage was found, but {' and '.join(missing)} not named\n{end}")


def damaged_staging(place):
    """A staged result is deleted, cut or has bits flipped between two lives: it is found, named, and put back the run goes on."""
    random = place.random
    anew = random.random() < 0.4
    shape = Shape(place, records=(1500, 6000), sinks=("sqlite upsert", "postgresql upsert") if anew else tuple(SINKS))
    run = _interrupted(place)
    if run is None:
        return
    unfinished = _unfinished_results(place)
    if not unfinished:
        return
    file = random.choice(unfinished)
    good = file.read_bytes()
    how = random.choice(["deleted", "cut", "bits flipped", "emptied"])
    if how == "deleted":
        file.unlink()
    else:
        bad = bytearray(good)
        if how == "cut":
            del bad[random.randrange(1, len(bad)) :]
        elif how == "emptied":
            bad = bytearray()
        else:
            for _ in range(random.randint(1, 8)):
                bad[random.randrange(len(bad))] ^= 1 << random.randrange(8)
        file.write_bytes(bad)
        if bytes(bad) == good:
            return
    place.journal.fault(f"staged result {how}", file.name)
    before = [sorted(map(repr, target.rows())) for target in shape.targets]
    for arguments in (["resume", run, "--quiet"], ["resume", run, "--dry-run"]):
        _refused(place, arguments, file.name, "--new")
    if [sorted(map(repr, target.rows())) for target in shape.targets] != before and len(shape.queries()) == 1:
        raise Violation("records were published from a damaged result")
    if anew:
        # As the message says: tables in upsert mode take the records again without harm.
        storm.through(place, begin=("run", "spec.yaml", "--new", "--quiet"), has_begun=lambda newest: newest["run_id"] != run,
                      over=lambda newest: newest["run_id"] != run and storm.is_over(newest))
        truth.whole(place)
        return
    file.write_bytes(good)
    place.journal.note("put back")
    _carry_on(place, run)


def _unfinished_results(place):
    with copied(place.state / "backfill.sqlite") as store:
        names = store.execute(
            "SELECT DISTINCT json_extract(staged, '$.fileName') FROM query JOIN bucket b USING (query_id) WHERE b.state <> 'complete'"
        ).fetchall()
    return [place.state / "results" / name for (name,) in names if name]


def damaged_file(place):
    """An unfinished file, or its ledger, is deleted or cut between two lives: it is said, and nothing is passed off as complete."""
    random = place.random
    shape = Shape(place, records=(1500, 6000), sinks=("ndjson", "csv"))
    run = _interrupted(place)
    if run is None:
        return
    target = random.choice(shape.targets)
    if not target.partial.exists():
        return
    spare = place.scenario / "spare"
    shutil.copytree(place.folder / "target", spare)
    how = random.choice(["partial file deleted", "partial file cut", "ledger deleted", "both deleted"])
    if how == "partial file cut":
        committed = len(target.content())
        with open(target.partial, "r+b") as file:
            file.truncate(random.randrange(committed))
    else:
        if how != "ledger deleted":
            target.partial.unlink()
        if how != "partial file deleted":
            for file in target.file.parent.glob(target.ledger.name + "*"):
                file.unlink()
    place.journal.fault(f"file sink: {how}", target.file.name)
    _refused(place, ["resume", run, "--quiet"], target.partial.name)
    _put_back(place, spare)
    _carry_on(place, run)


def _put_back(place, spare):
    shutil.rmtree(place.folder / "target")
    shutil.move(spare, place.folder / "target")
    place.journal.note("put back")


def _carry_on(place, run):
    """Resumes the run, through whatever else comes, and holds the end against the source."""
    storm.through(place)
    truth.whole(place)
    truth.told(place, run)


def torn_tail(place):
    """Behind what its ledger counts an unfinished file may hold anything, as a power cut leaves it: that is cut off."""
    shape = Shape(place, records=(1500, 6000), sinks=("ndjson", "csv"))
    run = _interrupted(place)
    if run is None:
        return
    for target in shape.targets:
        if target.partial.exists():
            with open(target.partial, "ab") as file:
                file.write(place.random.randbytes(place.random.randint(1, 1 << 20)))
            place.journal.fault("file sink: torn tail", target.file.name)
    _carry_on(place, run)


def lost_target(place):
    """The database that a run has written to is gone, or is an older copy, when it is carried on: that is found and said."""
    random = place.random
    shape = Shape(place, records=(1500, 6000), sinks=("sqlite append", "sqlite upsert"), source=["sqlite"])
    run = _interrupted(place, 0.4)
    if run is None:
        return
    files = sorted(place.folder.glob("target/target.sqlite*"))
    spare = place.scenario / "spare"
    if random.random() < 0.5:
        shutil.copytree(place.folder / "target", spare)
        for file in files:
            file.unlink()
        place.journal.fault("target database deleted")
    else:
        older = place.scenario / "older"
        shutil.copytree(place.folder / "target", older)
        if cut_short(place, ["resume", run, "--quiet"], random.uniform(0.5, 0.9)) is None:
            return
        shutil.copytree(place.folder / "target", spare)
        shutil.rmtree(place.folder / "target")
        shutil.move(older, place.folder / "target")
        place.journal.fault("target database put back to an older copy")
    passed, _ = truth.checkpoints(place)
    if all(passed <= {row[0] for row in target.rows()} for target in shape.targets):
        return
    _refused(place, ["resume", run, "--quiet"], "has lost", "--new")
    _put_back(place, spare)
    _carry_on(place, run)


def lost_state(place):
    """The histories are gone when a run is carried on: it goes on from its checkpoints."""
    Shape(place, records=(1500, 6000))
    run = _interrupted(place)
    if run is None:
        return
    for file in place.state.glob("engine.sqlite*"):
        file.unlink()
    place.journal.fault("histories deleted")
    _carry_on(place, run)
