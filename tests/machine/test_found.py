"""What the machine found, each as the shortest way there."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.steps import an_episode, correct, enter_in_error, observations, read, trajectory_of
from tests.factories import START, Clinic, administration, at, created, make_episode, make_sessions, phq_9, put


@pytest.mark.parametrize(
    ("field", "clarification"), [("informant_id", "unknown_informant"), ("treatment_session_id", "unknown_session")]
)
def test_an_unknown_id_that_a_correction_names_stays_unknown(clinic: Clinic, field: str, clarification: str) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), phq_9(12))))
    changes: dict[str, Any] = {field: str(uuid4())}
    for version, change in enumerate((changes, {"mode": "paper"}), start=1):
        corrected = created(correct(clinic, receipt["id"], version, **change))
        assert corrected["result"]["clarifications"] == [clarification]


def test_an_informant_who_was_accepted_as_unknown_never_becomes_the_patient(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), informant_id=str(uuid4()))))
    created(correct(clinic, receipt["id"], accept=["unknown_informant"]))
    corrected = created(correct(clinic, receipt["id"], 2, mode="paper"))
    assert corrected["informant_id"] is None


def test_a_score_that_becomes_the_baseline_gets_its_verdict(clinic: Clinic) -> None:
    """A waiting-time score is the baseline once the later one turns out to be an error."""
    episode = make_episode(clinic)
    earlier = created(put(clinic.tablet, administration(episode, phq_9(15), completed_at=at(-1))))
    later = created(put(clinic.tablet, administration(episode, phq_9(14), completed_at=START.isoformat())))
    make_sessions(clinic, episode, 1)
    assert [each["phase"] for each in trajectory_of(clinic, episode)["observations"]] == ["waiting", "treatment"]
    created(enter_in_error(clinic, later["id"]))
    assert observations(clinic, episode) == [15]
    shown = trajectory_of(clinic, episode)
    assert shown["no_verdict"] is None
    assert shown["verdict"]["baseline"] == 15
    assert [each["cause"] for each in read(clinic, earlier["id"])["verdicts"]] == ["correction"]
