"""What the torture looks for."""


class Violation(Exception):
    """A promise was broken: which one, and what shows it."""


class Skipped(Exception):
    """A story cannot be told on this machine, and why."""
