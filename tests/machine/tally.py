"""What occurred in a run of the machine: one that has only seen `too_early` would prove little."""

from __future__ import annotations

from collections import Counter

from tests.machine.record_model import RecordModel


def count_what_occurred(model: RecordModel, tally: Counter[str]) -> None:
    """Count what a record has come to hold, so that it can be told whether the machine has seen what it is for."""
    tally.update(examples=1, episodes=len(model.episodes), sessions=len(model.sessions))
    tally.update(administrations=len(model.administrations))
    for kept in model.administrations:
        tally.update(f"state {each.state}" for each in kept.versions)
        tally.update(f"clarification {code}" for each in kept.versions for code in each.clarifications)
        tally.update(f"duty {each.duty}" for each in kept.alerts)
        tally.update(f"cause {each.cause}" for each in kept.verdicts)
        for name in ("signal", "signal_reason", "responder_state", "change"):
            tally.update(f"{name} {each.says[name]}" for each in kept.verdicts)
    for episode in model.episodes:
        for key in episode.series:
            places = model.places(episode, key)
            tally[f"series of {min(len(places), 20) // 5 * 5} or more scores"] += 1
