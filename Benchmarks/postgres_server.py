"""The PostgreSQL server that run.sh has started: its databases, and the processor time that it takes."""

import subprocess
import sys
from pathlib import Path

from measurement import processor_seconds


class Server:
    """One that runs on this machine; each of its databases is made anew here."""

    def __init__(self, url):
        self.url = url
        data = self.ask("SHOW data_directory")
        self.process = int(Path(data, "postmaster.pid").read_text().split()[0])

    def database(self, name):
        return f"{self.url.rpartition('/')[0]}/{name}"

    def fresh(self, name):
        """Makes the database anew and returns its URL."""
        self.ask("SET client_min_messages = warning", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
        return self.database(name)

    def ask(self, *statements, at=None):
        """What the last of them gives, of this database or another one."""
        command = psql(at or self.url, "--no-align", "--tuples-only")
        for statement in statements:
            command += ["--command", statement]
        asked = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if asked.returncode != 0:
            sys.exit("benchmark: the PostgreSQL server does not answer (psql's messages are above)")
        return asked.stdout.strip()

    def measure(self, work):
        """Measures the work as it does itself, and adds the server's processor time; the server has nothing left to write at its start."""
        self.ask("CHECKPOINT")
        before = processor_seconds(self.process)
        taken = work()
        # What sessions took is the server's once they are gone.
        self.wait_for_sessions()
        taken.server_seconds = processor_seconds(self.process) - before
        return taken

    def wait_for_sessions(self):
        """Until the last one is gone, which may be after its client."""
        while self.ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") != "1":
            pass


def psql(url, *options):
    return ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url, *options]
