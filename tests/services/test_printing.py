"""Documents on paper: what was given is what stands there, letter by letter, in a form that can be read aloud."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import app.services
from app.services.printing import print_pdf
from tests.pdf_text import pages_of, text_of

TEMPLATES = Path(app.services.__path__[0]) / "print"
HEAD: dict[str, Any] = {"title": "Hvem har sett", "organisation": "Nordvik kommune", "day": date(2026, 3, 5)}

MARKUP = [
    '#panic("ran")',
    "*not bold*",
    "$x^2$",
    "[content]",
    "= no heading",
    "- no list",
    "@nowhere",
    "<label>",
    "// no comment",
    "`raw`",
    "a ~ b -- c --- d ...",
    "back\\slash \\u{41}",
    "\"straight\" and 'straight'",
    "{page}",
]


def section(text: str) -> dict[str, Any]:
    table = {"columns": [text, "B"], "rows": [[text, "b"]]}
    return {"heading": text, "paragraphs": [text], "facts": [[text, text]], "table": table}


@pytest.mark.parametrize("text", MARKUP)
def test_nothing_that_is_given_is_markup(text: str) -> None:
    data = HEAD | {"title": text, "organisation": text, "introduction": [text], "sections": [section(text)]}
    said = text_of(print_pdf("document", data, "nb"))
    wanted = " ".join(text.split())
    # Title, organisation, introduction; heading, paragraph, both sides of the fact, head and row of the table.
    assert said.count(wanted) == 9, said


def test_a_document_has_title_language_and_tags() -> None:
    for language in ("nb", "nn", "en"):
        pdf = print_pdf("document", HEAD, language)
        assert b"/Marked true" in pdf
        assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
        assert b"/Title(Hvem har sett)" in pdf
        assert f"/Lang({language})".encode() in pdf


@pytest.mark.parametrize(
    ("language", "day", "foot"), [("nb", "5.3.2026", "Side 1 av 1"), ("en", "2026-03-05", "Page 1 of 1")]
)
def test_every_page_says_what_it_belongs_to(language: str, day: str, foot: str) -> None:
    [page] = pages_of(print_pdf("document", HEAD, language))
    for wanted in ("Hvem har sett", f"Nordvik kommune, {day}", foot):
        assert wanted in page.splitlines()


def test_a_long_table_loses_no_row_between_the_pages() -> None:
    rows = [[f"row {number}.", "words " * 30] for number in range(120)]
    data = HEAD | {"sections": [{"heading": "Rows", "table": {"columns": ["Which", "What"], "rows": rows}}]}
    pages = pages_of(print_pdf("document", data, "en"))
    assert len(pages) > 5
    said = [line for page in pages for line in page.splitlines()]
    assert [line for line in said if line.startswith("row ")] == [row[0] for row in rows]
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Which" in page.splitlines(), "the head is repeated"


def test_letters_that_no_font_has_are_replaced_and_the_others_kept() -> None:
    name = "Åse Ćosić-Łukasz Ελένη Жанна 张 \N{GRINNING FACE} \x00\x07end"
    said = text_of(print_pdf("document", HEAD | {"introduction": [name]}, "nb"))
    assert "Åse Ćosić-Łukasz Ελένη Жанна \N{WHITE SQUARE} \N{WHITE SQUARE} end" in said
    # More kinds of them than are tried one by one.
    many = "".join(map(chr, range(0x4E00, 0x4E80)))
    assert "Åse " + "\N{WHITE SQUARE}" * 10 in text_of(
        print_pdf("document", HEAD | {"introduction": [f"Åse {many}"]}, "nb")
    )


def test_no_template_fetches_anything() -> None:
    templates = sorted(TEMPLATES.glob("*.typ"))
    assert templates
    for template in templates:
        text = template.read_text(encoding="utf-8")
        assert "@" not in text, "no packages"
        assert "eval(" not in text, "no text is ever run"
        assert 'mode: "markup"' not in text
