"""Every report of the demonstration, as each format says it in each language: no word missing, no code or id shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.api.schemas.reports import report_read
from app.db.codes import OrganisationMode, Role
from app.db.editing import all_of_organisation
from app.db.models import Service, User
from app.db.session import Access, Database, Scope, Work
from app.reports.cohort import Dimension, Period
from app.reports.document import Report
from app.reports.rounding import rounded_report
from app.services.demonstration.filling import Demonstration, fill
from app.services.grant import report_for_grant
from app.services.organisations import founding_scope
from app.services.report_csv import report_csv
from app.services.report_pdf import report_pdf
from app.services.report_xlsx import report_xlsx
from app.services.reports import ReportRequest, outcomes_report, own_report
from app.services.settings import change_settings, current_settings
from app.texts.catalogue import LANGUAGES
from app.texts.reports import STRATUM, message_of, note_text, report_title, section_title
from tests.pdf_text import text_of
from tests.reports.wording import unworded
from tests.reports.workbooks import sheets_of

TODAY = date(2026, 11, 20)
PERIOD = Period(2026, 3)
THRESHOLD = 2
"""Little is hidden, so that all has to be said."""

CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\breport\.\w+|[0-9a-f]{8}-[0-9a-f]{4}-|\{\w*\}")
"""What nobody should have to read: codes, keys of messages, ids, figures that were not filled in."""
BARE = re.compile(r"\d+([-\N{EN DASH}]\d+|\+)?")
"""What stands for itself: sessions, and steps of them."""

ONE_VALUE = {
    Dimension.SEX: "female",
    Dimension.BASELINE_THIRD: "2",
    Dimension.AGE_BAND: "3",
    Dimension.PATHWAY: "1",
    Dimension.LANGUAGE: "nb",
    Dimension.RESPONDENT: "self",
}
NAMES = ("outcomes", "service", "composite", "own", "nobody", "grant", *(f"one {each}" for each in ONE_VALUE))


@pytest.fixture(scope="module")
def organisation(database: Database) -> UUID:
    demonstration = Demonstration(TODAY, episodes=60, organisation_id=uuid4())
    fill(database, demonstration)
    return demonstration.organisation_id


@pytest.fixture(scope="module")
def supporting(database: Database, organisation: UUID) -> dict[str, Report]:
    return made(database, organisation)


@pytest.fixture(scope="module")
def recording(database: Database, organisation: UUID, supporting: dict[str, Report]) -> dict[str, Report]:
    """Made after the others, since it changes the mode for good."""

    def to_record(work: Work) -> None:
        settings = current_settings(work)
        change_settings(work, settings.version, {"mode": OrganisationMode.RECORD}, "a test")

    assert supporting
    asked(database, founding_scope(organisation), "change_settings", to_record)
    return made(database, organisation)


def asked(database: Database, scope: Scope, action: str, ask: Callable[[Work], Any]) -> Any:
    with database.work(scope, Access(action, uuid4())) as work:
        return ask(work)


def made(database: Database, organisation: UUID) -> dict[str, Report]:
    scope = founding_scope(organisation)
    service, *_ = sorted(asked(database, scope, "list", lambda work: [each.id for each in everybody(work, Service)]))
    therapist, *_ = asked(
        database, scope, "list", lambda work: [each.id for each in everybody(work, User) if led(each)]
    )
    lead = Scope(organisation, scope.actor_id, Role.SERVICE_LEAD, service)

    def outcomes(scope: Scope, measure: str = "phq-9", **fields: Any) -> Report:
        request = ReportRequest(PERIOD, measure, **fields)
        report = asked(
            database, scope, "read_outcomes_report", lambda work: outcomes_report(work, request, threshold=THRESHOLD)
        )
        assert isinstance(report, Report)
        return report

    def own(actor: UUID) -> Report:
        who = Scope(organisation, actor, Role.THERAPIST, service)
        report = asked(
            database, who, "read_own_report", lambda work: own_report(work, PERIOD, "phq-9", threshold=THRESHOLD)
        )
        assert isinstance(report, Report)
        return report

    return {
        "outcomes": outcomes(scope),
        "service": outcomes(
            lead, service_id=service, respondent="self", own_fall=1.5, own_source="kommunens venteliste"
        ),
        "composite": outcomes(scope, "phq-9+gad-7"),
        "own": own(therapist),
        "nobody": own(uuid4()),
        "grant": asked(
            database, scope, "read_grant_report", lambda work: report_for_grant(work, None, 2026, THRESHOLD)
        ),
        **{f"one {each}": outcomes(scope, dimension=each, value=value) for each, value in ONE_VALUE.items()},
    }


def everybody(work: Work, kind: type[Any]) -> list[Any]:
    return list(all_of_organisation(work, kind))


def led(user: User) -> bool:
    return user.role == Role.THERAPIST


def unnamed(report: Report) -> Iterator[str]:
    """Give the rows that are told by their keys, though these are no numbers."""
    for section in report.sections:
        for table in section.tables:
            for row in table.rows:
                stratum, _, rest = row.key.partition(STRATUM)
                if row.label is None and message_of(table, stratum) is None:
                    yield from (each for each in (stratum, rest or "0") if not BARE.fullmatch(each))


def texts_of(answer: Any) -> Iterator[str]:
    """Give what a JSON answer says in words."""
    if isinstance(answer, list):
        for each in answer:
            yield from texts_of(each)
    elif isinstance(answer, dict):
        for name, each in answer.items():
            if name in ("title", "name", "text", "reading", "row_head", "words"):
                assert each, (name, answer)
                yield each
            elif isinstance(each, list | dict) and name != "evidence":
                yield from texts_of(each)


@pytest.mark.parametrize("name", NAMES)
def test_every_row_note_and_column_has_words(
    name: str, supporting: dict[str, Report], recording: dict[str, Report]
) -> None:
    for report in (supporting[name], recording[name]):
        assert unworded(report) == set()
        assert list(unnamed(report)) == []


def test_the_two_modes_differ(supporting: dict[str, Report], recording: dict[str, Report]) -> None:
    keys = [
        {table.key for section in report["outcomes"].sections for table in section.tables}
        for report in (supporting, recording)
    ]
    assert keys[0] - keys[1] == {"coverage", "predicted", "calibrated", "flags", "actions", "drift"}
    assert [note.code for note in recording["outcomes"].sections[-1].notes] == ["nothing_predicted"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_data_and_spreadsheets_say_it_in_words(
    name: str, language: str, supporting: dict[str, Report], recording: dict[str, Report]
) -> None:
    for report in (supporting[name], recording[name]):
        said = list(texts_of(report_read(report, language).model_dump(mode="json")))
        cells = sheets_of(report_xlsx(report, language, day=TODAY)).values()
        said += [str(cell.value) for sheet in cells for cell in sheet.values() if isinstance(cell.value, str)]
        assert [each for each in said if CODE.search(each)] == []
        lines = report_csv(report, language).decode("utf-8-sig")
        assert all(note_text(note, language).split(".")[0] in lines for note in report.notes)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["outcomes", "own", "grant", "one sex"])
def test_paper_says_it_in_words(name: str, language: str, supporting: dict[str, Report]) -> None:
    assert_on_paper(supporting[name], language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_paper_says_it_in_words_in_record_mode_too(language: str, recording: dict[str, Report]) -> None:
    assert_on_paper(recording["outcomes"], language)


def assert_on_paper(report: Report, language: str) -> None:
    text = text_of(report_pdf(rounded_report(report), language, organisation="Lyngvik", day=TODAY))
    assert report_title(report, language) in text
    assert all(section_title(each, language) in text for each in report.sections)
    assert CODE.findall(text) == []
