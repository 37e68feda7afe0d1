"""`spor report make`: a report as a file, for a timer."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.api.schemas.reports import report_read
from app.cli.connections import ready_database
from app.cli.options import DataDir, settings_of
from app.config import Settings
from app.db.access_log import organisation_name
from app.db.codes import Language, ReportFileFormat
from app.db.ids import uuid7
from app.db.session import Access, Work
from app.errors import InvalidInput
from app.reports.cohort import FIRST_YEAR, LAST_YEAR, Period
from app.reports.document import Report
from app.reports.rounding import rounded_report
from app.services.grant import report_for_grant
from app.services.organisations import machine_scope
from app.services.report_files import report_file
from app.services.report_request import ReportRequest
from app.services.reports import outcomes_report


class ReportKind(StrEnum):
    """Which report."""

    OUTCOMES = "outcomes"
    GRANT = "grant"


class ReportFormat(StrEnum):
    """As what."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


def make(
    organisation: Annotated[UUID, typer.Option(help="Id of the organisation.")],
    kind: Annotated[ReportKind, typer.Option(help="Which report.")],
    year: Annotated[int, typer.Option(help="Year in which the episodes were closed; of the grant report, its year.")],
    report_format: Annotated[ReportFormat, typer.Option("--format", help="As what.")],
    output: Annotated[Path, typer.Option(help="The file; one that is there is replaced once the new one is whole.")],
    years: Annotated[int, typer.Option(help="1 for that year, 3 for the three years that end with it.")] = 1,
    measure: Annotated[
        str | None, typer.Option(help="Key of the instrument, or phq-9+gad-7; of outcomes only.")
    ] = None,
    service: Annotated[UUID | None, typer.Option(help="Id of a service; the whole organisation if not named.")] = None,
    language: Annotated[Language, typer.Option(help="Of the words.")] = Language.BOKMAL,
    data_dir: DataDir = None,
) -> None:
    """Make a report, rounded and with small numbers withheld as in every form, and write it to a file."""
    require_year(year)
    require_folder(output)
    if kind is ReportKind.OUTCOMES and measure is None:
        raise InvalidInput("a report of outcomes needs --measure, as phq-9")
    if kind is ReportKind.GRANT and (measure is not None or years != 1):
        raise InvalidInput("a grant report is of one year and of no measure: leave --measure and --years out")
    settings = settings_of(data_dir=data_dir)
    with ready_database(settings) as database:
        print(f"spor: making the report {kind} of {year}", file=sys.stderr)
        with database.work(machine_scope(organisation), Access(f"read_{kind}_report", uuid7())) as work:
            if measure is None:
                report = report_for_grant(work, service, year, settings.report_threshold)
            else:
                report = _outcomes(work, ReportRequest(Period(year, years), measure, service), settings)
            organisation_named, day = organisation_name(work), work.now.date()
    write_report(output, report, report_format, language, organisation=organisation_named, day=day)


def _outcomes(work: Work, request: ReportRequest, settings: Settings) -> Report:
    return outcomes_report(work, request, threshold=settings.report_threshold)


def require_year(year: int) -> None:
    """Refuse a year of which there is no report."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidInput(f"--year must be {FIRST_YEAR} to {LAST_YEAR}")


def require_folder(output: Path) -> None:
    """Refuse a file that could not be written, before its report is made."""
    if not output.parent.is_dir():
        raise InvalidInput(f"there is no folder {output.parent}")


def write_report(
    output: Path, report: Report, report_format: ReportFormat, language: str, *, organisation: str, day: date
) -> None:
    """Write a report, rounded, as its route answers with it."""
    rounded = rounded_report(report)
    if report_format is ReportFormat.JSON:
        content = report_read(rounded, language).model_dump_json(indent=2).encode() + b"\n"
    else:
        file_format = ReportFileFormat(report_format)
        content = report_file(rounded, file_format, language, organisation=organisation, day=day)
    _replace(output, content)
    print(f"spor: {len(content)} bytes in {output}", file=sys.stderr)


def _replace(output: Path, content: bytes) -> None:
    """Put the new file in the place of the old one at once, so that nobody reads half of it."""
    try:
        descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidInput(f"can't write {output}: {error.strerror}") from None
