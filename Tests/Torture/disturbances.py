"""What is done to a program at work that it has to bear: it is stopped, locked out, slowed down, steered, and its server goes away."""

import contextlib
import signal
import time

from targets import PostgreSQLTable
from violation import Violation


def available(life):
    """Those that make sense for this life."""
    kinds = [second_resume, second_run, stutter, onlookers, throttle, pause]
    if any(target.is_table for target in life.place.shape.targets):
        kinds.append(locked_table)
    if life.place.shape.uses_postgresql:
        kinds += [restarted_server, restarted_server, ended_sessions]
    if any(isinstance(target, PostgreSQLTable) for target in life.place.shape.targets):
        kinds += [lost_answer, lost_answer]
    return kinds


def is_at_work(life):
    """Whether the store says that this very process works on the newest run."""
    end = life.place.backfill("stats", "--json")
    return end.status == 0 and f'"process_id" : {life.program.pid},' in end.output and '"standing" : "running"' in end.output


def second_resume(life):
    """A process that is merely stopped still has its run: a second one is refused with the first one's process id."""
    life.program.send(signal.SIGSTOP)
    life.place.journal.fault("SIGSTOP")
    try:
        if is_at_work(life):
            run = life.place.newest()["run_id"]
            for arguments in (["resume", run], ["resume", run, "--dry-run"]):
                end = life.place.backfill(*arguments)
                if end.status != 2 or f"process {life.program.pid}" not in end.notes:
                    raise Violation(f"a second process was not refused with the first one's id, {life.program.pid}\n{end}")
            life.place.journal.fault("second resume beside a stopped process")
            if life.random.random() < 0.5:
                life.program.send(signal.SIGKILL)
                life.place.journal.fault("kill -9 while stopped")
    finally:
        life.program.send(signal.SIGCONT)


def second_run(life):
    """The spec begun once more while a run of it is not over."""
    life.program.send(signal.SIGSTOP)
    try:
        if not is_at_work(life):
            return
        run = life.place.newest()["run_id"]
        end = life.place.backfill("run", "spec.yaml", "--quiet")
        # A file that has its final name already stands in the way as much as the run does.
        words = {2: (run, "is there already and is not overwritten"), 1: ("being written by another process",)}
        if not any(word in end.notes for word in words.get(end.status, ())):
            raise Violation(f"a second run of the spec was not refused\n{end}")
        life.place.journal.fault("second run of the spec")
    finally:
        life.program.send(signal.SIGCONT)


def stutter(life):
    """As on a machine that is far too busy."""
    life.place.journal.fault("stutter")
    for _ in range(life.random.randint(5, 20)):
        life.program.send(signal.SIGSTOP)
        time.sleep(life.random.uniform(0, 0.05))
        life.program.send(signal.SIGCONT)
        life.program.sleep(life.random.uniform(0, 0.03))


def onlookers(life):
    """Looking disturbs nothing, and what is published only ever grows."""
    for arguments in (["stats", "--json"], ["list"], ["dead-letters", "list"], ["stats", "--json"]):
        end = life.place.backfill(*arguments)
        if end.status != 0 and "There are no runs" not in end.notes:
            raise Violation(f"looking failed\n{end}")
    life.place.journal.fault("onlookers")


def throttle(life):
    if not is_at_work(life):
        return
    run = life.place.newest()["run_id"]
    rate = f"{life.random.randint(100, 3000)}/s"
    for arguments in (["--rate", rate, "--batch", str(life.random.randint(20, 500)), "--concurrency", "2"], ["--reset"]):
        _steer(life, "throttle", run, *arguments)
        life.program.sleep(life.random.uniform(0, 0.3))
    life.place.journal.fault("throttle")


def pause(life):
    if not is_at_work(life):
        return
    run = life.place.newest()["run_id"]
    if _steer(life, "pause", run):
        life.place.journal.fault("pause")
        if life.random.random() < 0.3:
            # It stays paused, for the next life to find.
            life.program.send(signal.SIGKILL)
            life.place.journal.fault("kill -9 while paused")
        else:
            life.program.sleep(life.random.uniform(0, 0.3))
            go_on(life, run)


def go_on(life, run):
    """From another process; the one that has the run goes on."""
    if life.program.is_running() and is_at_work(life):
        _steer(life, "resume", run)


def _steer(life, verb, run, *arguments):
    end = life.place.backfill(verb, run, *arguments)
    # It may have ended just before.
    if end.status != 0 and life.program.is_running() and "nothing left to steer" not in end.notes:
        raise Violation(f"it cannot be steered\n{end}")
    return end.status == 0


def locked_table(life):
    target = life.random.choice([target for target in life.place.shape.targets if target.is_table])
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(target.held())
        except Exception as error:
            life.place.journal.note(f"{target.subscription} cannot be locked: {error}")
            return
        life.place.journal.fault("locked table", target.subscription)
        life.program.sleep(life.random.uniform(0.1, 2))


def restarted_server(life):
    how = life.random.choice(["fast", "immediate"])
    life.is_excused = True
    life.place.journal.fault(f"PostgreSQL restarted ({how})")
    server = life.place.server
    server.stop(how)
    try:
        life.program.sleep(life.random.uniform(0, 1))
    finally:
        server.start()
    life.place.journal.note("PostgreSQL is back")


def ended_sessions(life):
    ended = life.place.server.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'backfill torture-%'"
    ).strip()
    life.is_excused = True
    life.place.journal.fault("PostgreSQL sessions ended", ended)


def lost_answer(life):
    """A session ends when its transaction has committed, before it could say so; the others of the run go on."""
    server = life.place.server
    with server.slow_commits():
        life.program.sleep(life.random.uniform(0.1, 0.4))
        ended = server.sql(
            """SELECT count(pg_terminate_backend(pid)) FROM (
                SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE 'backfill torture-%' LIMIT 1
            ) AS one"""
        ).strip()
    life.is_excused = True
    life.place.journal.fault("answer to a PostgreSQL commit lost", ended)
