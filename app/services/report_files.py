"""A report as a file."""

from __future__ import annotations

from datetime import date

from app.db.codes import ReportFileFormat
from app.reports.document import Report
from app.services.report_csv import report_csv
from app.services.report_pdf import report_pdf
from app.services.report_xlsx import report_xlsx


def report_file(
    rounded: Report, file_format: ReportFileFormat, language: str, *, organisation: str, day: date
) -> bytes:
    """Write a report, whose figures are rounded already, as a file in the language."""
    match file_format:
        case ReportFileFormat.CSV:
            return report_csv(rounded, language)
        case ReportFileFormat.XLSX:
            return report_xlsx(rounded, language, day=day)
        case ReportFileFormat.PDF:
            return report_pdf(rounded, language, organisation=organisation, day=day)
