"""What lies ahead of a patient, as therapists get it: figures, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from app.api.schemas.fields import Answer, Hundredths
from app.services.trajectories import Trajectory
from app.texts.catalogue import say
from app.trajectories.natural import default_natural_course
from app.trajectories.prospects import (
    AtEnd,
    FurtherGain,
    GainsDue,
    Plateau,
    PlateauKind,
    Prospects,
)

_FEWEST, _MOST = 0.01, 0.99
"""Shares beyond which no number of hundred people is named."""


class AtEndRead(Answer):
    """What a score at the planned end, or else the next period evaluation, may show."""

    dose: int
    weeks: Hundredths
    reliable_improvement: float | None = Field(
        description="Probability, given all scores so far. Null where no reliable change is published, or none is "
        "possible from the baseline."
    )
    below_cutoff: float | None = Field(description="Probability; null where no cut-off is published.")
    reliable_deterioration: float | None = Field(description="Probability; null as for reliable improvement.")


class FurtherGainRead(Answer):
    """What some more sessions may give, beside what the calendar alone would bring over the same weeks."""

    sessions: int
    weeks: Hundredths
    expected: float = Field(description="Expected further improvement of the true score, points.")
    noticeable: float | None = Field(
        description="Probability of a true gain that patients notice; null where no important difference is published."
    )
    natural: float | None = Field(description="What the natural course would bring, points; null is unknown.")


class PlateauRead(Answer):
    """Whether the course has levelled out: a finding, which sets no signal."""

    kind: PlateauKind
    important_difference: float
    ahead: FurtherGainRead = Field(description="What the policy's next sessions may give, which the finding rests on.")


class ProspectWordsRead(Answer):
    """The same in words."""

    language: str
    at_end: list[str]
    exceedance: str | None
    natural_share: str | None
    plateau: str | None
    further_gains: list[str]
    further_gains_due: str | None


class ProspectsRead(Answer):
    """What lies ahead, beside the verdict on the newest treated score. It is worked out on reading."""

    at_end: AtEndRead | None = Field(
        description="Null where no planned end and no period evaluation lies ahead, or the treatment has ended."
    )
    exceedance: float | None = Field(
        description="Probability that a similar patient, with the same baseline, would have a score this bad or worse "
        "by now, a tie counting as half. Null at the baseline."
    )
    natural_share: float | None = Field(
        description="Probability that a similar person would have improved by at least this much by now without the "
        "service. Null without improvement, and where no natural course is known. Not for the patient's view, and "
        "never an effect."
    )
    plateau: PlateauRead | None = Field(
        description="Null where it is not asked: up to the policy's dose, without a published important difference, in "
        "pathway 3, during a crisis pause, and after the treatment."
    )
    further_gains: list[FurtherGainRead] = Field(description="Over 5 and 10 more sessions; empty after the treatment.")
    further_gains_due: GainsDue | None = Field(
        description="Why the further gains are to be shown now: a period evaluation or the planned end was reached and "
        "not reviewed since, or a plateau was found. Null where they are not."
    )
    words: ProspectWordsRead


def prospects_read(trajectory: Trajectory, language: str) -> ProspectsRead | None:
    """Show what lies ahead; None in the mode `record`, without a curve and before treatment."""
    found = trajectory.prospects
    if found is None:
        return None
    return ProspectsRead(
        at_end=AtEndRead.model_validate(found.end) if found.end else None,
        exceedance=found.exceedance,
        natural_share=found.natural_share,
        plateau=PlateauRead.model_validate(found.plateau) if found.plateau else None,
        further_gains=[FurtherGainRead.model_validate(each) for each in found.gains],
        further_gains_due=found.gains_due,
        words=prospect_words(found, trajectory.kept.instrument, language),
    )


def prospect_words(found: Prospects, instrument: str, language: str) -> ProspectWordsRead:
    """Put prospects into words."""
    return ProspectWordsRead(
        language=language,
        at_end=list(_at_end_words(found.end, language)) if found.end else [],
        exceedance=None
        if found.exceedance is None
        else say("prospect.exceedance", language, {"probability": found.exceedance}),
        natural_share=_natural_share_words(found.natural_share, instrument, language),
        plateau=_plateau_words(found.plateau, language) if found.plateau else None,
        further_gains=[_gain_words(each, language) for each in found.gains],
        further_gains_due=say(f"gains_due.{found.gains_due}", language) if found.gains_due else None,
    )


def _at_end_words(end: AtEnd, language: str) -> Iterator[str]:
    for name in ("reliable_improvement", "below_cutoff", "reliable_deterioration"):
        probability = getattr(end, name)
        if probability is not None:
            yield say(f"prospect.{name}", language, {"end_dose": end.dose, "probability": probability})


def _natural_share_words(share: float | None, instrument: str, language: str) -> str | None:
    """Say how many of a hundred would be as much better, or that nobody knows; nothing without improvement."""
    if share is None:
        return None if default_natural_course(instrument) else say("natural_course.unknown", language)
    if share < _FEWEST:
        return say("natural_share.hardly_any", language)
    if share > _MOST:
        return say("natural_share.almost_all", language)
    return say("natural_share.about", language, {"count": round(100 * share)})


def _plateau_words(plateau: Plateau, language: str) -> str:
    evidence = {"sessions": plateau.ahead.sessions, "probability": plateau.ahead.noticeable}
    return say(f"plateau.{plateau.kind}", language, evidence)


def _gain_words(gain: FurtherGain, language: str) -> str:
    said = [say("further_gain.expected", language, {"sessions": gain.sessions, "expected": gain.expected})]
    if gain.noticeable is not None:
        said.append(say("further_gain.noticeable", language, {"probability": gain.noticeable}))
    calendar = "calendar_unknown" if gain.natural is None else "calendar"
    said.append(say(f"further_gain.{calendar}", language, {"natural": gain.natural}))
    return " ".join(said)
