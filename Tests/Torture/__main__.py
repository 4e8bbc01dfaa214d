"""See ../torture.sh."""

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import stories
from place import Place
from server import Server
from tally import Tally
from violation import Skipped, Violation


class Session:
    """What all scenarios share."""

    def __init__(self, options):
        self.options = options
        # Not in /tmp, which may lie in memory: there a sync would cost nothing. The server belongs to another user, who has to get through.
        self.folder = Path(tempfile.mkdtemp(prefix="backfill-torture-", dir="/var/tmp"))
        self.folder.chmod(0o711)
        self.tally = Tally()
        self._server = None

    def server(self):
        if self._server is None:
            self._server = Server(self.folder / "postgres")
        return self._server

    def command(self, number):
        story = f" --story {self.options.story}" if self.options.story else ""
        return f"Tests/torture.sh --seed {self.options.seed} --only {number}{story}"

    def play(self, number):
        """Plays one scenario; says whether all promises were kept."""
        choice = random.Random(f"{self.options.seed}/{number}")
        name = self.options.story or choice.choices(list(stories.ALL), [stories.WEIGHTS.get(name, 1) for name in stories.ALL])[0]
        if number <= len(stories.ALL) and not self.options.story:
            # Each story once before any comes again.
            order = list(stories.ALL)
            random.Random(self.options.seed).shuffle(order)
            name = order[number - 1]
        scenario = self.folder / f"{number:03}-{name}"
        scenario.mkdir()
        place = Place(scenario, self.options.program, choice, self.tally, self)
        began = time.monotonic()
        try:
            stories.ALL[name](place)
        except Skipped as why:
            self.tally.skipped[name] = str(why)
            print(f"{number:4} {name}: skipped, {why}", flush=True)
            return True
        except Exception as error:
            self._tell_failure(number, name, place, error)
            return False
        finally:
            place.close()
        self.tally.stories[name] += 1
        print(f"{number:4} {name}: kept, {time.monotonic() - began:.1f} s", flush=True)
        if not self.options.keep:
            shutil.rmtree(scenario)
        return True

    def _tell_failure(self, number, name, place, error):
        what = str(error) if isinstance(error, Violation) else f"the script failed\n{traceback.format_exc()}"
        place.journal.note(f"VIOLATION: {what}")
        print(f"\n{number:4} {name}: VIOLATION: {what}\n\nWhat was done when:", flush=True)
        print("\n".join(place.journal.lines[:-1]))
        print(f"\nThe folder: {place.scenario}\nAlone: {self.command(number)}\n", flush=True)

    def end(self, is_clean):
        if self._server:
            self._server.remove()
        if is_clean and not self.options.keep:
            shutil.rmtree(self.folder)


def main():
    options = _options()
    session = Session(options)
    print(f"seed {options.seed}, in {session.folder}", flush=True)
    began = time.monotonic()
    kept = True
    number = options.only or 1
    try:
        while True:
            kept = session.play(number) and kept
            number += 1
            if options.only or time.monotonic() - began > options.minutes * 60 or not (kept or options.go_on):
                break
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        kept = False
    finally:
        session.end(kept)
    print(session.tally.summary(time.monotonic() - began))
    print("every promise was kept" if kept else "NOT every promise was kept")
    sys.exit(0 if kept else 1)


def _options():
    parser = argparse.ArgumentParser(prog="Tests/torture.sh")
    parser.add_argument("--program", required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--only", type=int)
    parser.add_argument("--story", choices=list(stories.ALL))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--go-on", action="store_true", help="also after a violation")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**9)
    return options


main()
