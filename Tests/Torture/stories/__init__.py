"""Each story is a function that takes a place and raises Violation when a promise is broken."""

from stories.amended import amended
from stories.cancelled import cancelled
from stories.canary import canary
from stories.damaged import damaged_file, damaged_staging, lost_state, lost_target, torn_tail
from stories.fulldisk import full_state, full_target
from stories.latecommit import late_commit, lost_answers
from stories.plain import plain
from stories.poisoned import poisoned
from stories.powercut import power_cut
from stories.twins import twin_resumes, twin_runs

ALL = {
    story.__name__.replace("_", "-"): story
    for story in (
        plain, poisoned, amended, power_cut, damaged_staging, full_target, twin_runs, cancelled, damaged_file, canary, full_state,
        twin_resumes, lost_state, lost_target, late_commit,
        lost_answers, torn_tail,
    )
}
# The more there is to go wrong, the more often a story is told.
WEIGHTS = {"plain": 6, "poisoned": 5, "amended": 2, "power-cut": 4}
