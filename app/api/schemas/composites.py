"""The composite of PHQ-9 and GAD-7, as therapists get it."""

from __future__ import annotations

from pydantic import Field

from app.api.schemas.fields import Answer
from app.services.composites import MEASURES, Composite
from app.texts.catalogue import say


class CompositeRead(Answer):
    """What PHQ-9 and GAD-7 together may show at the end, by the definitions of NHS Talking Therapies."""

    measures: list[str]
    end_dose: int
    reliable_improvement: float = Field(
        description="Probability that at least one of the two is reliably better and none reliably worse."
    )
    reliable_deterioration: float = Field(
        description="Probability that at least one is reliably worse and none reliably better."
    )
    recovery: float = Field(
        description="Probability that the patient, a case by one of the two at the start, is none by either."
    )
    words: list[str]
    note: str = Field(description="The correlations between the two measures are assumed: UNVERIFIED.")


def composite_read(found: Composite, language: str) -> CompositeRead:
    """Show the composite."""
    chances = found.chances
    return CompositeRead(
        measures=list(MEASURES),
        end_dose=found.end_dose,
        reliable_improvement=chances.improvement,
        reliable_deterioration=chances.deterioration,
        recovery=chances.recovery,
        words=[
            say(f"composite.{name}", language, {"end_dose": found.end_dose, "probability": probability})
            for name, probability in chances._asdict().items()
        ],
        note=say("composite.note", language),
    )
