import signal

import storm
import truth
from shape import Shape
from violation import Violation


def twin_runs(place):
    """Two or three processes begin the same spec at the same moment: one has the run, the others are refused with its id."""
    Shape(place)
    _at_once(place, lambda: ["run", "spec.yaml", "--quiet"])


def twin_resumes(place):
    """Two or three processes carry the same run on at the same moment: one has it, the others are refused."""
    Shape(place)
    first = place.start("run", "spec.yaml", "--quiet")
    watch = place.watch()
    part = place.random.uniform(0, 0.5)
    while first.is_running() and watch.settled() <= part:
        first.sleep(0.005)
    watch.close()
    first.send(signal.SIGKILL)
    place.journal.fault("kill -9")
    first.wait()
    run = place.newest()
    _at_once(place, lambda: ["resume", run["run_id"], "--quiet"] if run else ["run", "spec.yaml", "--quiet"])


def _at_once(place, arguments):
    random = place.random
    programs = []
    for _ in range(random.randint(2, 3)):
        programs.append(place.start(*arguments()))
        programs[-1].sleep(random.choice([0, 0, random.uniform(0, 0.3)]))
    place.journal.fault("processes at once", str(len(programs)))
    victim = random.choice(programs) if random.random() < 0.5 else None
    if victim:
        victim.sleep(random.uniform(0, 2))
        victim.send(signal.SIGKILL)
        place.journal.fault("kill -9")
    ends = [program.wait() for program in programs]
    for end in ends:
        place.journal.note(f"exit status {end.status}: {end.notes.strip()[-200:]}")
        if end.status in (1, 2) and not any(word in end.notes for word in ("backfill ", "being written by another process")):
            raise Violation(f"it was refused without a word on what to type\n{end}")
    if victim is None and sum(end.status == 0 for end in ends) != 1:
        raise Violation("not just one went through\n" + "\n".join(map(str, ends)))
    truth.halfway(place)
    run = place.newest()
    if not storm.is_over(run):
        run = storm.through(place)
    truth.whole(place)
    truth.told(place, run["run_id"])
    runs = place.json("list")
    if len(runs) != 1:
        raise Violation(f"there are {len(runs)} runs")
