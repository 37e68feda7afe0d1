"""The record against a slow model of it: whatever happens in whatever order, the same verdicts, and nothing lost."""

from __future__ import annotations

import logging
import os
from collections import Counter

from fastapi.testclient import TestClient
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from app.db.session import Database
from tests.machine.record_machine import DAILY, machine

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "0"))
"""More examples than in a daily run, and each time others; for `make evidence`."""

logger = logging.getLogger(__name__)

# What the machine has to have met, or it is no test of it. The rest is rare enough to be missed in a daily run: the
# signal reasons above_band and likely_to_deteriorate, early responders, and reviews that change a verdict.
TO_BE_SEEN = {
    "cause": {"answer", "late_answer", "correction", "attendance", "plan"},
    "state": {"final", "amended", "needs_clarification", "entered_in_error"},
    "signal": {"red", "yellow", "green", "grey"},
    "signal_reason": {
        "deterioration_unconfirmed",
        "deterioration_confirmed",
        "unlikely_to_reach_goal",
        "time_for_review",
        "as_expected",
        "good_enough",
        "too_early",
        "no_change_yet",
        "started_below_cutoff",
        "crisis_pause",
    },
    "responder_state": {"pending", "late", "none", "not_assessed"},
    "change": {"reliable_improvement", "no_reliable_change", "reliable_deterioration"},
    "clarification": {
        "unreadable",
        "clock_ahead",
        "episode_closed",
        "wrong_form_for_age",
        "wrong_informant",
        "unknown_informant",
        "unknown_session",
        "too_many_missing",
    },
    "phase": {"waiting", "treatment", "follow_up"},
    "duty": {"same_day", "shown"},
    "put": {"stored", "repeated", "conflict", "unreadable"},
    "batch": {"stored", "repeated", "conflict", "unreadable", "no_episode"},
    "late baseline": {"True", "False"},
    "stale": {"True", "False"},
}


def test_the_service_and_the_model_never_disagree(database: Database, client: TestClient) -> None:
    tally: Counter[str] = Counter()
    run_state_machine_as_test(
        machine(database, client, tally),
        settings=settings(DAILY, max_examples=EXAMPLES, derandomize=False, print_blob=True) if EXAMPLES else DAILY,
    )
    for what, times in sorted(tally.items()):
        logger.info("%6d %s", times, what)
    missed = [f"{kind} {each}" for kind, all_of_it in TO_BE_SEEN.items() for each in all_of_it]
    assert [each for each in sorted(missed) if not tally[each]] == []
