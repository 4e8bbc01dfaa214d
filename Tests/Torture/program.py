"""One process of the program, and how it ended."""

import os
import re
import signal
import subprocess
import time

from violation import Violation

# No person wants to read these.
INNARDS = re.compile(
    r"Fatal error|couldn.t be completed|Error Domain|NSError|Optional\(|Backtrace| at /|SwiftError|GRDB|DatabaseError|FailureInfo"
)
# Far longer than anything takes here, also on a machine that does much else.
PATIENCE = 240


class Program:
    """A process that was started in a folder, with what it says in two files there."""

    def __init__(self, path, arguments, folder, log):
        self.arguments = arguments
        self.began = time.monotonic()
        self._files = (log.with_suffix(".out"), log.with_suffix(".err"))
        with open(self._files[0], "wb") as output, open(self._files[1], "wb") as notes:
            self._process = subprocess.Popen(
                [path, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=notes, start_new_session=True
            )
        self.pid = self._process.pid

    def send(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def is_running(self):
        return self._process.poll() is None

    def sleep(self, seconds):
        """Waits; not longer than the process lives."""
        end = time.monotonic() + seconds
        while self.is_running() and time.monotonic() < end:
            time.sleep(min(0.01, max(0, end - time.monotonic())))

    def wait(self):
        """Waits for its end.

        Raises Violation when it hangs, crashes, or shows its innards.
        """
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._process.wait()
            raise Violation(f"backfill {' '.join(self.arguments)} was still there after {PATIENCE} s: it hangs") from None
        end = End(self.arguments, status, *(file.read_text(errors="replace") for file in self._files))
        # Ctrl-C may come before the program has said that it would rather be asked.
        if status < 0 and status not in (-signal.SIGKILL, -signal.SIGINT):
            raise Violation(f"it crashed with signal {-status}\n{end}")
        shown = INNARDS.search(end.output + end.notes)
        if shown:
            raise Violation(f"it shows its innards ({shown.group()})\n{end}")
        return end


class End:
    def __init__(self, arguments, status, output, notes):
        self.arguments = arguments
        self.status = status
        self.output = output
        self.notes = notes

    @property
    def was_killed(self):
        return self.status < 0

    def __str__(self):
        return f"backfill {' '.join(self.arguments)}\nexit status {self.status}\n{self.output[-3000:]}{self.notes[-3000:]}"
