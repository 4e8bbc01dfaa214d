"""The records, each known by its number: what a source holds, and what every target has to hold afterwards."""

COLUMNS = ("id", "name", "note", "score", "data")
# What a text can hold that quoting, escaping and splitting into lines get wrong.
NOTES = (None, "", "a\nb,c", 'say "no"', "tab\tand \\ backslash", "ünïcødé 😀", "\\N", " ends with a space ")
POISON = "poison"


class People:
    """Some records, of which a few are poisoned: a table with the right CHECK refuses them."""

    def __init__(self, count, poisoned=()):
        self.count = count
        self.poisoned = frozenset(poisoned)
        self._rows = [self._make(number) for number in range(1, count + 1)]

    def _make(self, number):
        data = None if number % 5 == 0 else (number * 2654435761 % 2**32).to_bytes(4, "big") * (number % 4)
        name = POISON if number in self.poisoned else f"Zoë \"{number}\" O'Brien"
        return (number, name, NOTES[number % len(NOTES)], number / 8, data)

    def rows(self):
        """In the order of their numbers."""
        return self._rows

    def by_id(self, without=()):
        return {row[0]: row for row in self._rows if row[0] not in without}
