"""Decision rules of programmes: as they are written, and what one says of an episode."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.schemas.fields import Answer, Body, Code, Count, Hundredths, Label, Weeks
from app.services.decision_rules import RuleOfEpisode, SeriesOutcome
from app.texts.catalogue import say
from app.trajectories.decision import DecisionRule, RuleState


class DecisionRuleBody(Body):
    """A decision point: at most so many symptoms in certain weeks of the programme. One ground in a joint decision."""

    instrument: Label = Field(examples=["kates-2"])
    form_family: Label | None = Field(
        default=None, description="Only series of this form family count; of any when null.", examples=["child"]
    )
    subscale: Label = Field(description="The score whose items are symptoms.", examples=["total"])
    item_threshold: Code = Field(description="The code from which on an item counts as a symptom.", examples=[2])
    at_most: Count = Field(description="So many symptoms still meet the rule.", examples=[4])
    from_week: Weeks = Field(
        description="First and last completed week since the programme started in which a measure counts.",
        examples=[6],
    )
    to_week: Weeks = Field(description="At least from_week.", examples=[9])


class RuleOutcomeRead(Answer):
    """What the rule says of one series. Series of several informants never mix."""

    series_id: UUID | None = Field(description="Null where nothing was answered yet.")
    informant_id: UUID | None
    form_family: str | None
    state: RuleState
    administration_id: UUID | None = Field(
        description="The newest administration in the weeks that count; without one there the newest at all."
    )
    weeks: Hundredths | None = Field(description="Weeks from the start of the programme to it; negative before.")
    count: int | None = Field(description="How many symptoms it shows.")
    unanswered: int | None = Field(description="How many of its items were not answered, and might be symptoms.")
    words: str


class DecisionRuleRead(Answer):
    """The rule of the present programme: one ground in a joint decision, and no signal."""

    programme_id: UUID
    programme: str
    instrument: str
    form_family: str | None
    subscale: str
    item_threshold: int
    at_most: int
    from_week: int
    to_week: int
    weeks: Hundredths = Field(description="Weeks since the programme started.")
    outcomes: list[RuleOutcomeRead] = Field(description="After the treatment, only what was measured in time.")


def decision_rule_read(found: RuleOfEpisode, language: str) -> DecisionRuleRead:
    """Show a rule and what it says."""
    rule = found.rule
    return DecisionRuleRead(
        programme_id=found.programme_id,
        programme=found.programme,
        instrument=rule.instrument,
        form_family=rule.form_family,
        subscale=rule.subscale,
        item_threshold=rule.item_threshold,
        at_most=rule.at_most,
        from_week=rule.from_week,
        to_week=rule.to_week,
        weeks=found.weeks,
        outcomes=[_outcome_read(each, rule, language) for each in found.outcomes],
    )


def _outcome_read(found: SeriesOutcome, rule: DecisionRule, language: str) -> RuleOutcomeRead:
    series, counted = found.series, found.outcome.counted
    administration_id = counted.administration_id if counted else None
    assert administration_id is None or isinstance(administration_id, UUID), "the record's administrations have UUIDs"
    return RuleOutcomeRead(
        series_id=series.id if series else None,
        informant_id=series.informant_id if series else None,
        form_family=series.form_family if series else None,
        state=found.outcome.state,
        administration_id=administration_id,
        weeks=counted.weeks if counted else None,
        count=counted.count.shown if counted else None,
        unanswered=counted.count.unanswered if counted else None,
        words=_words(found, rule, language),
    )


def _words(found: SeriesOutcome, rule: DecisionRule, language: str) -> str:
    evidence: dict[str, int] = {"at_most": rule.at_most, "from_week": rule.from_week, "to_week": rule.to_week}
    counted = found.outcome.counted
    if counted is not None:
        evidence |= {"count": counted.count.shown, "most": counted.count.most}
    said = say(f"rule_state.{found.outcome.state}", language, evidence)
    if counted is None or found.outcome.decided:
        return said
    return f"{said} {say('rule_newest_count', language, evidence)}"
