import storm
import truth
from disks import FragileDisk, removed_at_last
from shape import Shape


def power_cut(place):
    """The power is cut: whatever was not synced is gone, of the state and of the targets alike; nothing is lost or doubled for it."""
    random = place.random
    disk = FragileDisk(place.folder, place.scenario / "disk.ext4")
    with removed_at_last(disk):
        shape = Shape(
            place, records=(500, 4000), sinks=("sqlite append", "sqlite upsert", "ndjson", "csv"), source=["sqlite"],
            poisoned=random.choice([0, 0, 25]),
        )
        tables = [target for target in shape.targets if target.is_table]
        lacking = set()
        for table in tables if shape.people.poisoned else []:
            table.make(check=True)
            lacking = shape.people.poisoned
        disk.sync()

        def after(life):
            disk.cut(random)
            place.journal.fault("power cut")

        # Locks of the test's own would sync what the program has not.
        run = storm.through(place, after=after, disturbs=False, lives=random.randint(2, 5))["run_id"]
        truth.whole(place, lacking=lacking, is_complete=not lacking)
        truth.told(place, run, lacking=lacking, standing="incomplete" if lacking else "complete")
        if not lacking:
            return
        for table in tables:
            table.mend()
        disk.sync()
        storm.through(
            place, begin=("dead-letters", "redrive", run, "--quiet"), has_begun=lambda run: run["standing"] == "interrupted",
            over=lambda run: run["standing"] == "complete" and run["dead_letters"] == 0, sees_progress=False, disturbs=False,
            check=lambda place: None, after=after,
        )
        truth.whole(place)
        truth.told(place, run)
