"""The Temporal servers that the benchmark starts: the events of their histories, and the processor time that they take."""

import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from customers import ROOT
from measurement import processor_seconds

SCRIPT = ROOT / "samples" / "temporal" / "server.sh"


class Cluster:
    """A new server without a history, for as long as the `with` lasts."""

    def __init__(self, folder, *options):
        self.folder = Path(folder)
        self.options = options

    def __enter__(self):
        asked("remove", self.folder)
        self.address = asked("start", self.folder, "", *self.options)
        self.process = int((self.folder / "pid").read_text())
        return self

    def __exit__(self, *_):
        asked("remove", self.folder)

    def measure(self, work):
        """Measures the work as it does itself, and adds the server's processor time and the events of its histories."""
        before = processor_seconds(self.process)
        taken = work()
        taken.cluster_seconds = processor_seconds(self.process) - before
        taken.events = self.events()
        return taken

    def events(self):
        """Of all executions, once the server lists each of them as ended, which is a moment after it has ended."""
        command = [asked("program"), "workflow", "list", "--address", urlsplit(self.address).netloc, "--output", "json"]
        for _ in range(100):
            listed = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
            if listed and all(execution["status"] != "WORKFLOW_EXECUTION_STATUS_RUNNING" for execution in listed):
                return sum(int(execution["historyLength"]) for execution in listed)
            time.sleep(0.2)
        sys.exit("benchmark: the program has ended, but the Temporal server does not list its workflows as ended")


def asked(*words):
    """What the script prints."""
    said = subprocess.run([SCRIPT, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if said.returncode != 0:
        sys.exit(f"benchmark: samples/temporal/server.sh {words[0]} failed (its messages are above)")
    return said.stdout.strip()
