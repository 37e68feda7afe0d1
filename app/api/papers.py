"""Documents as answers: PDF, to be kept as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response

from app.api.charts import VARY

PDF: Final = "application/pdf"


def given_as_paper() -> dict[int | str, dict[str, Any]]:
    """Declare that a route answers with a document too, by Accept."""
    vary = {"description": "What chose the form and its words.", "schema": {"type": "string", "const": VARY["Vary"]}}
    content = {PDF: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"content": content, "headers": {"Vary": vary}}}


def paper(pdf: bytes, name: str) -> Response:
    """Answer with a document, under a name for the file."""
    return attachment(pdf, PDF, f"{name}.pdf", VARY)


def attachment(content: bytes, media_type: str, file_name: str, headers: Mapping[str, str]) -> Response:
    """Answer with a file, to be kept under a name."""
    named = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return Response(content, media_type=media_type, headers={**headers, **named})
