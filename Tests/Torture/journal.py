"""What was done when, for whoever looks into a failure."""

import time


class Journal:
    def __init__(self, file, tally):
        self._file = open(file, "w", encoding="utf-8")
        self._began = time.monotonic()
        self._tally = tally
        self.lines = []

    def note(self, text):
        line = f"{time.monotonic() - self._began:7.2f} s  {text}"
        self.lines.append(line)
        self._file.write(line + "\n")
        self._file.flush()

    def fault(self, name, detail=""):
        """Notes something that was done to the program, and counts it."""
        self._tally.faults[name] += 1
        self.note(f"{name} {detail}".rstrip())

    def close(self):
        self._file.close()
