"""One life of the program: from its start to its end, which is seldom its own choice."""

import signal
import time
from random import Random

import disturbances
from violation import Violation


class Life:
    """
    run: the run that is carried on, as `list` shows it.
    is_quiet: nothing is done to it.
    disturbs: whether other things than its end are done to it.
    end: when and how it ends, as a moment and what is done then; the seed decides unless given.
    sees_progress: whether its checkpoints say how far it is; a redrive's do not.
    """

    def __init__(self, place, arguments, run=None, is_quiet=False, disturbs=True, sees_progress=True, end=None):
        self.place = place
        # Of its own, so that what this life had no time for does not change all that follow.
        self.random = Random(place.random.random())
        self.arguments = arguments
        self.run = run
        self.is_quiet = is_quiet
        self.disturbs = disturbs and not is_quiet
        self.sees_progress = sees_progress
        self._given_end = end
        # Something was done that may end it by its own decision, with words, to be carried on.
        self.is_excused = False
        self.program = None
        self._watch = place.watch()

    def live(self, meanwhile=lambda: None):
        """Does what is planned, and what else is asked for, while it works; returns how it ended."""
        plan = self._plan()
        self._settled = self._watch.settled()
        self.program = self.place.start(*self.arguments)
        try:
            if self.run is not None and self.run.get("paused_by"):
                self._wake()
            for at, act in plan:
                if not self.program.is_running():
                    break
                self._wait_until(at)
                act(self) if self.program.is_running() else None
            meanwhile()
            end = self.program.wait()
        finally:
            self._watch.close()
            self.program.send(signal.SIGCONT)
        self.place.journal.note(f"exit status {end.status}")
        self._judge(end)
        return end

    def _plan(self):
        """All choices beforehand and in one order, so that the seed decides, and not how fast the machine is."""
        if self.is_quiet:
            return []
        plan = []
        if self.disturbs:
            kinds = disturbances.available(self)
            plan = [(self._moment(), self.random.choice(kinds)) for _ in range(self.random.choice([0, 1, 1, 2]))]
        plan.sort(key=lambda step: step[0])
        return plan + [self._given_end or self._end(disturbed=bool(plan))]

    def _moment(self):
        """Seconds since the start as ("time", s), or a part of what is left of the records as ("work", p)."""
        if not self.sees_progress or self.random.random() < 0.25:
            return ("time", self.random.uniform(0, 0.9))
        return ("work", self.random.uniform(0.01, 0.8))

    def _end(self, disturbed):
        kinds = ["kill", "kill", "kill", "kill", "kill at the end", "Ctrl-C", "Ctrl-C twice"]
        if self.run is None:
            kinds += ["kill staging"] * 2
        kind = self.random.choice(kinds + ["none"] * disturbed)
        pause = self.random.uniform(0, 0.25)
        if kind == "kill staging" and self.sees_progress:
            return (("staging", pause / 5), kill("kill -9 while staging"))
        if kind == "kill at the end" and self.sees_progress:
            return (("end", pause), kill("kill -9 at the very end"))
        if kind == "Ctrl-C":
            return (self._moment(), interrupt)
        if kind == "Ctrl-C twice":
            return (self._moment(), interrupt_twice)
        if kind == "none":
            return (("time", 0), lambda life: None)
        return (self._moment(), kill("kill -9"))

    def _wait_until(self, moment):
        kind, value = moment
        if kind == "time":
            self.program.sleep(self.program.began + value - time.monotonic())
        elif kind == "work":
            self._wait_for(lambda: self._watch.settled() >= self._settled + value * (1 - self._settled))
        elif kind == "end":
            self._wait_for(lambda: self._watch.settled() >= 1)
            self.program.sleep(value)
        elif kind == "staging":
            results = self.place.state / "results"
            # Where there is nothing left to stage it does not wait for long.
            self._wait_for(lambda: any(results.glob("*.partial")), 1.5)
            self.program.sleep(value)

    def _wait_for(self, is_so, seconds=60):
        end = time.monotonic() + seconds
        while self.program.is_running() and time.monotonic() < end and not is_so():
            time.sleep(0.004)

    def _wake(self):
        """A run that was paused when its process ended is carried on paused."""
        while self.program.is_running() and not disturbances.is_at_work(self):
            pass
        disturbances.go_on(self, self.run["run_id"])

    def _judge(self, end):
        if end.was_killed or end.status in (0, 130):
            return
        if end.status == 1 and self._only_dead_letters():
            return
        if end.status == 2 and "Carry it on first with: backfill resume" in end.notes:
            self.place.journal.note("so the run is carried on first")
            follow = Life(self.place, ["resume", self.run["run_id"], "--quiet"], is_quiet=True)
            follow.live()
            return
        if self.is_excused and end.notes.strip():
            self.place.journal.fault("gave up with words when PostgreSQL was away", end.notes.strip().splitlines()[-1])
            return
        raise Violation(f"nothing was done that it could not bear\n{end}")

    def _only_dead_letters(self):
        run = self.place.newest()
        return run is not None and has_only_dead_letters(run)


def has_only_dead_letters(run):
    return (
        run["standing"] == "incomplete"
        and run["dead_letters"] > 0
        and run["buckets_complete"] == run["buckets"]
        and run["queries_failed"] == 0
    )


def kill(name):
    def act(life):
        life.program.send(signal.SIGKILL)
        life.place.journal.fault(name)

    return act


def interrupt(life):
    life.program.send(signal.SIGINT)
    life.place.journal.fault("Ctrl-C")


def interrupt_twice(life):
    life.program.send(signal.SIGINT)
    life.program.sleep(life.random.uniform(0, 0.2))
    life.program.send(signal.SIGINT)
    life.place.journal.fault("Ctrl-C twice")


def cut_short(place, arguments, part):
    """Kills the program when it has settled a part of all records.

    Returns the run when it was in the middle then; None when it was over sooner.
    """
    Life(place, arguments, disturbs=False, end=(("work", part), kill("kill -9"))).live()
    run = place.newest()
    if run is None or run["standing"] != "interrupted" or not run["published"]:
        place.journal.note("it was over too soon")
        return None
    return run
