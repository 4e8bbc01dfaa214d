"""Where one scenario happens: a folder with the source, the spec, the state and the targets, and the program run in it."""

import json
import sqlite3

from journal import Journal
from program import Program
from violation import Violation


class Place:
    """`scenario` is kept for whoever looks into a failure; `folder`, in it, is where the program works, and may be a disk of its own."""

    def __init__(self, scenario, program, random, tally, session):
        self.scenario = scenario
        self.folder = scenario / "work"
        self.logs = scenario / "logs"
        self.folder.mkdir(parents=True)
        self.logs.mkdir()
        self.state = self.folder / "state"
        self.random = random
        self.tally = tally
        self.journal = Journal(scenario / "journal.txt", tally)
        self.shape = None
        self._program = program
        self._session = session
        self._schema = None
        self._programs = []

    # Programs

    def start(self, *arguments):
        log = self.logs / f"{len(self._programs) + 1:03}-{arguments[0]}"
        program = Program(self._program, [*arguments, "--state", str(self.state)], self.folder, log)
        self.journal.note(f"backfill {' '.join(arguments)}  (process {program.pid}, {log.name})")
        self._programs.append(program)
        return program

    def backfill(self, *arguments, status=None):
        """Runs the program to its end; `status` says how it has to end, if that is sure."""
        end = self.start(*arguments).wait()
        if status is not None and end.status != status:
            raise Violation(f"exit status {status} was due\n{end}")
        return end

    def json(self, *arguments):
        end = self.backfill(*arguments, "--json")
        if end.status not in (0, 1):
            raise Violation(f"it does not answer\n{end}")
        return json.loads(end.output)

    def end_programs(self):
        for program in self._programs:
            if program.is_running():
                program.send(9)
                program.wait()

    # The run

    def newest(self):
        """The newest run as `list` shows it; None when there is none."""
        end = self.backfill("list", "--json")
        if end.status == 0:
            runs = json.loads(end.output)
            return {"standing": runs[0]["standing"], **runs[0]["run"]} if runs else None
        if "There are no runs in" in end.notes:
            return None
        raise Violation(f"the runs cannot be listed\n{end}")

    def watch(self):
        """A look at the checkpoints while the program works, cheaper than asking it."""
        return Watch(self.state / "backfill.sqlite")

    # What belongs to the place

    @property
    def server(self):
        return self._session.server()

    def schema(self):
        if self._schema is None:
            self._schema = self.server.new_schema()
        return self._schema

    def close(self):
        self.end_programs()
        self.journal.close()


class Watch:
    def __init__(self, file):
        self._file = file
        self._connection = None

    def settled(self):
        """The part of all records that is behind the checkpoints, from 0 to 1; 0 as long as there is no plan."""
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=0, isolation_level=None)
            settled, all_records, unplanned = self._connection.execute(
                """SELECT total(b.next_ordinal - b.first_ordinal), total(b.end_ordinal - b.first_ordinal), count(*) - count(b.number)
                FROM query q LEFT JOIN bucket b USING (query_id) WHERE q.kind = 'query'"""
            ).fetchone()
            return 0 if unplanned or not all_records else settled / all_records
        except sqlite3.Error:
            self.close()
            return 0

    def close(self):
        if self._connection:
            self._connection.close()
            self._connection = None
