import storm
import truth
from disks import SmallDisk, removed_at_last
from shape import IMPATIENCE, PATIENCE, SINKS, Shape
from violation import Violation


def full_target(place):
    """The disk of the targets is full: the run waits or gives up with words, and with room it is carried on."""
    _fill(place, place.folder / "target", ("sqlite append", "sqlite upsert", "ndjson", "csv"))


def full_state(place):
    """The disk of the state is full: in the staging, in the histories, or in the checkpoints."""
    _fill(place, place.state, tuple(SINKS))


def _fill(place, folder, sinks):
    random = place.random
    disk = SmallDisk(folder, random.randint(300, 1500))
    with removed_at_last(disk):
        Shape(place, records=(4000, 12000), sinks=sinks, retry=random.choice([PATIENCE, IMPATIENCE]))
        place.journal.fault(f"full disk ({folder.name})")
        program = place.start("run", "spec.yaml", "--quiet")
        grows = random.random() < 0.5
        program.sleep(random.uniform(0.5, 3))
        if grows:
            disk.grow()
            place.journal.note("there is room again, with the program at work" if program.is_running() else "there is room again")
        elif program.is_running():
            program.send(9)
            place.journal.fault("kill -9 with a full disk")
        end = program.wait()
        place.journal.note(f"exit status {end.status}: {end.notes.strip()[-300:]}")
        if end.status in (1, 2) and not any(word in end.notes for word in ("full", "No space left", "no space", "room")):
            raise Violation(f"it does not say that the disk is full\n{end}")
        if not grows:
            disk.grow()
        truth.halfway(place)
        run = storm.through(place)["run_id"]
        truth.whole(place)
        truth.told(place, run)
