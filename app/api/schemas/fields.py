"""Field types that say no where pydantic would guess."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

_YEARS = "(19|2[01])[0-9][0-9]"
"""1900 to 2199, as the document says it."""

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _written_time(value: Any) -> Any:
    """Refuse what is not a time as RFC 3339 writes it; pydantic reads 0 as 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise ValueError("must be a time with a zone as RFC 3339 writes it, e.g. 2026-03-02T09:30:00+01:00")


def _written_date(value: Any) -> Any:
    """Refuse what is not a date as ISO 8601 writes it; pydantic reads 1698796800 as one in 2023."""
    if isinstance(value, date) or (isinstance(value, str) and _ISO_DATE.fullmatch(value)):
        return value
    raise ValueError("must be a date as ISO 8601 writes it, e.g. 2026-03-02")


def _first_of_month(value: date) -> date:
    if value.day != 1 or not 1900 <= value.year <= 2199:
        raise ValueError("must be the first day of a month, since no more of the birth date is kept")
    return value


def whole_number(value: Any) -> Any:
    """Refuse text and true, which pydantic reads as numbers; 1.0 is 1, as in JSON Schema."""
    if isinstance(value, bool | str):
        raise ValueError("must be a whole number")
    return value


def _in_utc(value: datetime) -> datetime:
    """Give the same moment in UTC, as it will be read back; PostgreSQL takes no zone of 16 hours or more.

    Years that no record can hold are refused: near the ends of the calendar a change of zone overflows.
    """
    if not 1900 <= value.year <= 2199:
        raise ValueError("must be a year from 1900 to 2199")
    return value.astimezone(UTC)


Time: TypeAlias = Annotated[
    AwareDatetime,
    BeforeValidator(_written_time, json_schema_input_type=AwareDatetime),
    Field(examples=["2026-03-02T09:30:00+01:00"], json_schema_extra={"pattern": f"^{_YEARS}-"}),
    AfterValidator(_in_utc),
]
Date: TypeAlias = Annotated[
    date, BeforeValidator(_written_date, json_schema_input_type=date), Field(examples=["2026-03-02"])
]
Month: TypeAlias = Annotated[
    Date,
    Field(examples=["1988-04-01"], json_schema_extra={"pattern": f"^{_YEARS}-(0[1-9]|1[0-2])-01$"}),
    AfterValidator(_first_of_month),
]
Dose: TypeAlias = Annotated[int, Field(ge=1, le=500), BeforeValidator(whole_number)]
DoseSoFar: TypeAlias = Annotated[int, Field(ge=0, le=500), BeforeValidator(whole_number)]
Days: TypeAlias = Annotated[int, Field(ge=1, le=366), BeforeValidator(whole_number)]
Weeks: TypeAlias = Annotated[int, Field(ge=0, le=520), BeforeValidator(whole_number)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=500), BeforeValidator(whole_number)]
Code: TypeAlias = Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole_number)]
Minutes: TypeAlias = Annotated[int, Field(ge=0, le=1440), BeforeValidator(whole_number)]
Pathway: TypeAlias = Annotated[int, Field(ge=1, le=3), BeforeValidator(whole_number)]
GoalPlace: TypeAlias = Annotated[int, Field(ge=1, le=3), BeforeValidator(whole_number)]
EvidenceLevel: TypeAlias = Annotated[int, Field(ge=0, le=5), BeforeValidator(whole_number)]

# Spaces around a text are dropped, so that one of spaces alone is empty; the document has to say it in a pattern.
_SAYS_SOMETHING = Field(json_schema_extra={"pattern": r"^[^\x00]*[^\x00\s][^\x00]*$"})

Text: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]*$"), _SAYS_SOMETHING
]
Label: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$"), _SAYS_SOMETHING
]


Hundredths: TypeAlias = Annotated[float, AfterValidator(lambda figure: round(figure, 2))]
"""Weeks and points as they are shown; nobody reads a seventh decimal of a week."""


class Body(BaseModel):
    """What comes in: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class Change(Body):
    """What is changed; what is not named stays, so the fields' defaults are never used, and not shown."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def changes(self) -> dict[str, Any]:
        """Give the fields that were named, each of them whole: what they hold has its defaults."""
        return self.model_dump(include=self.model_fields_set)


class Answer(BaseModel):
    """What goes out, read from a row or a value of the core."""

    model_config = ConfigDict(from_attributes=True)
