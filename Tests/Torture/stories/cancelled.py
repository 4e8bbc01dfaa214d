import signal

import storm
import truth
from shape import Shape
from targets import File
from violation import Violation


def cancelled(place):
    """A run is cancelled from another process, either of which may be killed: it ends for good, and what is published is counted."""
    random = place.random
    shape = Shape(place, records=(2000, 6000))
    program = place.start("run", "spec.yaml", "--quiet")
    watch = place.watch()
    part = random.uniform(0, 0.8)
    while program.is_running() and watch.settled() <= part:
        program.sleep(0.005)
    watch.close()
    run = place.newest()
    canceller = place.start("cancel", run["run_id"], "--quiet")
    place.journal.fault("cancel")
    victim = random.choice([program, canceller, None, None])
    if victim:
        victim.sleep(random.uniform(0, 0.6))
        victim.send(signal.SIGKILL)
        place.journal.fault("kill -9 while cancelling")
    ends = [program.wait(), canceller.wait()]
    for end in ends:
        place.journal.note(f"exit status {end.status}: {end.notes.strip()[-200:]}")
    run = place.newest()
    for _ in range(5):
        if storm.is_over(run):
            break
        end = place.backfill("cancel", run["run_id"])
        run = place.newest()
    if run["standing"] == "complete":
        truth.whole(place)
        return
    if run["standing"] != "cancelled":
        raise Violation(f"the run cannot be cancelled: {run}\n{ends[0]}\n{ends[1]}")
    if not any(isinstance(target, File) for target in shape.targets):
        truth.halfway(place)
    left = [file for target in shape.targets if isinstance(target, File) for file in target.leftovers()]
    staged = [file.name for file in (place.state / "results").iterdir()]
    if left or staged:
        raise Violation(f"after the cancel there still are {left + staged}")
    end = place.backfill("resume", run["run_id"])
    if end.status != 2 or "was cancelled" not in end.notes:
        raise Violation(f"a cancelled run was not refused\n{end}")
    if not victim:
        for target in shape.targets:
            if target.is_table and len(target.rows()) != run["published"]:
                raise Violation(f"{target.subscription} has {len(target.rows())} rows, and stats says {run['published']}")
