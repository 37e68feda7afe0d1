"""Reports as answers: data, comma-separated values, a workbook, a document; their charts."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from fastapi import Response

from app.api.charts import CSV, JSON, VARY
from app.api.papers import PDF, attachment
from app.api.schemas.reports import ReportRead, report_read
from app.db.codes import ReportFileFormat
from app.reports.document import Report
from app.reports.rounding import rounded_report
from app.services.report_files import report_file

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FORMS: Final = (JSON, CSV, XLSX, PDF)

FILES: Final = {ReportFileFormat.CSV: CSV, ReportFileFormat.XLSX: XLSX, ReportFileFormat.PDF: PDF}
"""The media type of each file."""

_IN_FILES: Final = {CSV: {"type": "string"}, XLSX: {"type": "string", "format": "binary"}}


def given_as_report() -> dict[int | str, dict[str, Any]]:
    """Declare that a route answers with a report, by Accept in any of its forms."""
    vary = {"description": "What chose the form and its words.", "schema": {"type": "string", "const": VARY["Vary"]}}
    shapes = {**_IN_FILES, PDF: {"type": "string", "format": "binary"}}
    return {200: {"content": {each: {"schema": shape} for each, shape in shapes.items()}, "headers": {"Vary": vary}}}


def answer(
    report: Report, media_type: str, language: str, response: Response, *, organisation: str, day: date
) -> ReportRead | Response:
    """Answer with a report in the form that is wanted, its figures rounded."""
    rounded = rounded_report(report)
    if media_type == JSON:
        response.headers.update(VARY)
        return report_read(rounded, language)
    file_format = next(each for each, wanted in FILES.items() if wanted == media_type)
    content = report_file(rounded, file_format, language, organisation=organisation, day=day)
    return attachment(content, media_type, f"{report.key}.{file_format}", VARY)
