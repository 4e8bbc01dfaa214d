import sqlite3

import storm
import truth
from shape import Shape
from targets import copied
from violation import Violation


def plain(place):
    """A run through everything that it has to bear, now and then with hooks that must come once."""
    shape = Shape(place)
    counts = _add_hooks(place, shape) if place.random.random() < 0.4 else None
    run = storm.through(place)
    truth.whole(place)
    truth.told(place, run["run_id"])
    if counts:
        counts()


def _add_hooks(place, shape):
    """Each line that a hook writes says that it has come; `before` and `on-success` have to come once."""
    server = next((target.server for target in shape.targets if hasattr(target, "server")), None)
    if server:
        schema = place.schema()
        server.sql(f"CREATE TABLE {schema}.hooked (what text)")
        table, on = f"{schema}.hooked", f'"{server.url}"'
        read = lambda: server.sql(f"SELECT what FROM {schema}.hooked").split()
    else:
        file = place.folder / "target" / "hooked.sqlite"
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE hooked (what TEXT)")
        connection.commit()
        connection.close()
        table, on = "hooked", f"sqlite:{file}"

        def read():
            with copied(file) as copy:
                return [row[0] for row in copy.execute("SELECT what FROM hooked")]

    for name in ("before", "on-success"):
        shape.more.append(f"{name}: {{sql: \"INSERT INTO {table} VALUES ('{name}')\", on: {on}}}")
    shape.write(place)

    def check():
        found = sorted(read())
        if found != ["before", "on-success"]:
            raise Violation(f"the hooks came as {found}; each has to come once")
        place.journal.note("each hook came once")

    return check
