"""Documents as answers: PDF, to be kept as a file."""

from __future__ import annotations

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
    headers = VARY | {"Content-Disposition": f'attachment; filename="{name}.pdf"'}
    return Response(pdf, media_type=PDF, headers=headers)
