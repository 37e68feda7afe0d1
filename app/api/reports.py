"""Reports as answers: data, comma-separated values, a workbook, a document; their charts."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from fastapi import Response

from app.api.charts import CSV, JSON, VARY
from app.api.papers import PDF
from app.api.schemas.reports import ReportRead, report_read
from app.db.codes import ReportFileFormat
from app.reports.document import Report
from app.reports.rounding import rounded_report
from app.services.report_files import report_file

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FORMS: Final = (JSON, CSV, XLSX, PDF)

FILES: Final = {CSV: ReportFileFormat.CSV, XLSX: ReportFileFormat.XLSX, PDF: ReportFileFormat.PDF}

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
    file_format = FILES[media_type]
    content = report_file(rounded, file_format, language, organisation=organisation, day=day)
    file = given_file(content, file_format, report.key)
    file.headers.update(VARY)
    return file


def given_file(content: bytes, file_format: ReportFileFormat, name: str) -> Response:
    """Answer with a report as a file."""
    media_type = next(each for each, named in FILES.items() if named is file_format)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}
    return Response(content, media_type=media_type, headers=headers)
