"""A run, or a redrive, carried through many lives to its end, with a look at the targets after each."""

import truth
from life import Life, has_only_dead_letters
from violation import Violation


def is_over(run):
    return run is not None and (run["standing"] in ("complete", "cancelled") or has_only_dead_letters(run))


def through(
    place, begin=("run", "spec.yaml", "--quiet"), carry_on=lambda run: ["resume", run, "--quiet"], has_begun=lambda run: True, over=is_over,
    lives=None, disturbs=True, sees_progress=True, check=truth.halfway, after=lambda life: None,
):
    """Begins, and carries on after each end, until it is over; the last life is left in peace.

    begin: what is typed first, and again as long as it has begun nothing.
    after: called after each life with its number, while no process works.
    Returns the run as `list` shows it.
    """
    lives = place.random.randint(2, 6) if lives is None else lives
    run = place.newest()
    if over(run):
        return run
    for number in range(lives + 1):
        arguments = carry_on(run["run_id"]) if run is not None and has_begun(run) else list(begin)
        Life(place, arguments, run, is_quiet=number == lives, disturbs=disturbs, sees_progress=sees_progress).live()
        after(number)
        check(place)
        run = place.newest()
        if over(run):
            return run
    raise Violation(f"nothing disturbed it, and yet it is not over: {run}")
