"""What a process took from its start to its end, as the kernel tells it."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Measurement:
    seconds: float
    processor_seconds: float
    # Of the biggest single process. Never below this script's own: the kernel counts what the child held before it became another program.
    peak_bytes: int
    # Of a database server's processes, which are no children of the command; None when there is no server.
    server_seconds: float | None = None
    # Of a Temporal server, in the same way.
    cluster_seconds: float | None = None
    # Of all histories, where there are some.
    events: float | None = None
    # Of `backfill` only: from the first bucket's end to the last one's, as a part of the whole run.
    spread: float | None = None
    # Of `backfill` only: what its state folder holds at the end, staged results included.
    state_bytes: float | None = None


class Failed(SystemExit):
    """A program that was measured did not succeed; nothing that follows would mean anything, unless somebody expects it."""


def measure(command, folder, output, stdin=None, environment=None):
    """Runs the command to its end in the folder; its output goes to a file, which is shown when it fails.

    What the command starts and waits for counts as its own, so a pipe in a shell is measured as a whole. Another child of this script that
    is there must outlive the command, which is killed otherwise.
    """
    os.sync()
    source = open(stdin) if stdin else subprocess.DEVNULL
    with open(output, "wb") as sink:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=source, stdout=sink, stderr=subprocess.STDOUT)
        first = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        seconds = time.monotonic() - start
        if first.si_pid != process.pid:
            process.kill()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        with open(output, "rb") as said:
            said.seek(max(0, os.path.getsize(output) - 4000))
            sys.stderr.write(said.read().decode(errors="replace"))
        raise Failed(f"benchmark: {command[0]} ended with status {process.returncode} (its last output is above)")
    return Measurement(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def processor_seconds(process):
    """Of a process, of its children that have ended, and of those that live."""
    ticks = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which may hold anything: state, parent, …; from the 14th field on user, system, and both of children.
            fields = place.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(place.parent.name) == process:
            ticks += sum(int(field) for field in fields[11:15])
        elif int(fields[1]) == process:
            ticks += sum(int(field) for field in fields[11:13])
    return ticks / TICK


def median(measurements):
    """Each figure by itself; one that a program does not have stays None."""

    def middle(figure):
        known = [getattr(one, figure.name) for one in measurements if getattr(one, figure.name) is not None]
        return statistics.median(known) if known else None

    return Measurement(**{figure.name: middle(figure) for figure in fields(Measurement)})
