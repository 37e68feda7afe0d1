"""`spor report pool`: a report over several organisations as a file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli.connections import ready_database
from app.cli.options import DataDir, settings_of
from app.cli.report_files import ReportFormat, require_folder, require_year, write_report
from app.db.codes import Language
from app.reports.cohort import Period
from app.services.pooled_reports import pooled_report
from app.services.report_request import ReportRequest


def pool(
    organisation: Annotated[list[UUID], typer.Option(help="Id of an organisation; three of them or more.")],
    year: Annotated[int, typer.Option(help="Year in which the episodes were closed.")],
    measure: Annotated[str, typer.Option(help="Key of the instrument, or phq-9+gad-7.")],
    report_format: Annotated[ReportFormat, typer.Option("--format", help="As what.")],
    output: Annotated[Path, typer.Option(help="The file; one that is there is replaced once the new one is whole.")],
    years: Annotated[int, typer.Option(help="1 for that year, 3 for the three years that end with it.")] = 1,
    language: Annotated[Language, typer.Option(help="Of the words.")] = Language.BOKMAL,
    data_dir: DataDir = None,
) -> None:
    """Make a report over several organisations that have agreed to it, in which no figure is of one of them."""
    require_year(year)
    require_folder(output)
    settings = settings_of(data_dir=data_dir)
    with ready_database(settings) as database:
        print(f"spor: making the report of {len(organisation)} organisations of {year}", file=sys.stderr)
        request = ReportRequest(Period(year, years), measure)
        report = pooled_report(database, organisation, request, threshold=settings.report_threshold)
    named = next(fact.value for fact in report.facts if fact.key == "organisations")
    write_report(output, report, report_format, language, organisation=named, day=datetime.now(UTC).date())
