"""A command that has other processes, its workers, do the work."""

import os
import signal
import subprocess
import sys
import time

from measurement import Failed, measure, processor_seconds


def measure_with_workers(worker, count, command, folder, environment):
    """Measures the command, from when the workers are ready; what these take until they have ended is added to what it took itself."""
    workers = []
    try:
        # One after the other: the first makes the state folder that the others share.
        for number in range(count):
            workers.append(Worker(worker, folder, folder / f"worker-{number}", environment))
        try:
            taken = measure(command, folder, folder / "output", environment=environment)
        except Failed:
            for one in workers:
                one.check()
            raise
        for one in workers:
            one.leave(taken)
    finally:
        for one in workers:
            one.end()
    return taken


class Worker:
    """A process that works until SIGTERM, and says something as soon as it is ready."""

    def __init__(self, command, folder, output, environment):
        self.command = command
        self.output = output
        with open(output, "wb") as sink:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
        while not output.stat().st_size:
            self.check()
            time.sleep(0.02)
        self.before = processor_seconds(self.process.pid)

    def leave(self, taken):
        """Has it end, and adds what it took since it was ready."""
        self.process.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != 0:
            self.fail()
        taken.processor_seconds += usage.ru_utime + usage.ru_stime - self.before
        taken.peak_bytes = max(taken.peak_bytes, usage.ru_maxrss * 1024)

    def check(self):
        if self.process.poll() is not None:
            self.fail()

    def end(self):
        """At once, unless it has ended."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()

    def fail(self):
        sys.stderr.write(self.output.read_text(errors="replace")[-4000:])
        raise Failed(f"benchmark: {self.command[0]} ended with status {self.process.returncode}, though it was to work (its last output is above)")
