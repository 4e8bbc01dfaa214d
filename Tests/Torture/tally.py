"""What happened in a whole session, counted."""

from collections import Counter


class Tally:
    def __init__(self):
        self.stories = Counter()
        self.faults = Counter()
        self.records = 0
        self.skipped = {}

    def summary(self, seconds):
        kills = sum(count for name, count in self.faults.items() if name.startswith(("kill -9", "power cut")))
        stories = ", ".join(f"{name} {count}" for name, count in sorted(self.stories.items()))
        lines = [
            f"{sum(self.stories.values())} scenarios in {seconds:.0f} s: {stories or 'none'}",
            f"{kills} kills, {self.records:,} records compared with the source one by one",
        ]
        lines += [f"  {count:5}  {name}" for name, count in sorted(self.faults.items())]
        lines += [f"skipped: {name}: {why}" for name, why in sorted(self.skipped.items())]
        return "\n".join(lines)
