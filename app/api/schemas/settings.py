"""An organisation's settings, as they are read and changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool

from app.api.schemas.fields import Answer, Body, Change, Date, Label, Text
from app.db.codes import Language, OrganisationMode
from app.services.settings import ServiceSettings
from app.trajectories.policy import Flagging


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return value


Probability = Annotated[float, Field(gt=0, lt=1), BeforeValidator(_number)]
Count = Annotated[int, Field(ge=0, le=500), BeforeValidator(_number)]
Positive = Annotated[int, Field(ge=1, le=500), BeforeValidator(_number)]
Years = Annotated[int, Field(ge=1, le=200), BeforeValidator(_number)]
Age = Annotated[int, Field(ge=1, le=150), BeforeValidator(_number)]


class PolicyChange(Change):
    """Windows and thresholds; those not named keep the shipped default."""

    flagging: Flagging = Flagging.PENDING
    early_window_dose: Positive = 1
    late_window_dose: Positive = 1
    period_evaluation_doses: list[Positive] = Field(default_factory=list)
    early_share: Probability = 0.5
    established_probability: Probability = 0.5
    no_change_probability: Probability = 0.5
    goal_probability: Probability = 0.5
    clear_probability: Probability = 0.5
    deterioration_probability: Probability = 0.5
    band_level: Probability = 0.5
    clear_band_level: Probability = 0.5
    stale_intervals: Positive = 1
    stale_extra_days: Count = 0
    plateau_dose: Positive = 1
    plateau_sessions: Positive = 1
    plateau_probability: Probability = 0.5


class Agreement(Body):
    """The agreement by which the organisation may use an instrument."""

    who: Label = Field(description="With whom it was made.", examples=["Youthinmind"])
    reference: Label = Field(description="Where it is filed.", examples=["2026/1043"])
    date: Date


class SettingsChange(Change):
    """A new version of the settings, with its reason; what is not named stays."""

    reason: Text
    mode: OrganisationMode = OrganisationMode.RECORD
    language: Language = Language.BOKMAL
    time_zone: Label = ""
    policy: PolicyChange = Field(default_factory=PolicyChange)
    max_missing: dict[Label, Count] = Field(
        default_factory=dict,
        description="Instrument to how many unanswered items are still prorated.",
        examples=[{"phq-9": 1}],
    )

    agreements: dict[Label, Agreement] = Field(
        default_factory=dict,
        description="Instrument to the agreement that it needs, for all that the organisation uses of these.",
    )
    retention_years: Years | None = Field(
        default=None,
        description="Whole years after the last activity in a patient's closed episodes after which the retention job"
        " may delete the record. Null: it deletes nothing.",
    )
    retention_until_age: Age | None = Field(
        default=None, description="The age before which it is kept all the same; null where years alone decide."
    )

    pools_reports: StrictBool = Field(
        default=False,
        description="Whether the counts of the organisation may be put together with those of others in one report, in"
        " which no figure is of one organisation.",
    )

    def changes(self) -> dict[str, Any]:
        """Give the settings that were named."""
        return self.model_dump(mode="json", exclude_unset=True, exclude={"reason"})


class SettingsRead(Answer):
    """The settings in force, complete with the defaults."""

    version: int
    mode: OrganisationMode
    language: Language
    time_zone: str
    policy: dict[str, Any]
    max_missing: dict[str, int]
    agreements: dict[str, Agreement]
    retention_years: int | None
    retention_until_age: int | None
    pools_reports: bool


def settings_read(settings: ServiceSettings) -> SettingsRead:
    """Show the settings."""
    return SettingsRead(
        version=settings.version,
        mode=settings.mode,
        language=settings.language,
        time_zone=settings.time_zone.key,
        policy=asdict(settings.policy),
        max_missing=dict(settings.max_missing),
        agreements={key: Agreement.model_validate(noted) for key, noted in settings.agreements.items()},
        retention_years=settings.retention_years,
        retention_until_age=settings.retention_until_age,
        pools_reports=settings.pools_reports,
    )
