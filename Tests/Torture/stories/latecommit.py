import signal

import disturbances
import storm
import truth
from life import Life
from shape import Shape


def late_commit(place):
    """PostgreSQL commits a batch of a process that is dead while the next one is about to write the same batch: one of both counts."""
    random = place.random
    Shape(place, records=(1000, 4000), sinks=("postgresql append", "postgresql upsert"))
    first = place.start("run", "spec.yaml", "--quiet")
    watch = place.watch()
    part = random.uniform(0, 0.6)
    while first.is_running() and watch.settled() <= part:
        first.sleep(0.005)
    watch.close()
    with place.server.slow_commits():
        place.journal.fault("PostgreSQL commits late")
        first.sleep(random.uniform(0.1, 0.6))
        first.send(signal.SIGKILL)
        place.journal.fault("kill -9")
        first.wait()
        run = place.newest()
        second = place.start("resume", run["run_id"], "--quiet") if not storm.is_over(run) else None
        if second:
            second.sleep(random.uniform(0.3, 2))
    if second:
        end = second.wait()
        place.journal.note(f"exit status {end.status}")
    run = storm.through(place)
    truth.whole(place)
    truth.told(place, run["run_id"])


def lost_answers(place):
    """Again and again a session ends between its commit and the answer; others have the same batch to write, and know less than it did."""
    Shape(place, records=(2000, 6000), sinks=("postgresql append", "postgresql upsert"))
    life = Life(place, ["run", "spec.yaml", "--quiet"], is_quiet=True)
    life.is_excused = True
    times = place.random.randint(3, 8)
    life.live(lambda: [disturbances.lost_answer(life) for _ in range(times) if life.program.is_running()])
    truth.halfway(place)
    run = storm.through(place)
    truth.whole(place)
    truth.told(place, run["run_id"])
