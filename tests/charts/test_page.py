"""The page around a chart: whole, accessible, and with nothing from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from app.charts.page import page, with_words
from app.charts.table import table
from app.charts.words import description, title
from app.texts.catalogue import LANGUAGES
from tests.charts.cases import CASES

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><path d="M0,0h10"/></svg>'
NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}
HOSTILE = "<script>alert('1')</script> & \"more\""


class Outline(HTMLParser):
    """The elements of a page in their order, the texts in them, and whether all were closed."""

    VOID = ("meta", "path")

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.texts.setdefault(self._open[-1], []).append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_has_a_heading_a_named_picture_and_a_table_with_headers(language: str) -> None:
    shown = CASES["waiting time"]
    outline = Outline(page(SVG, shown, language))
    assert outline.attributes("html") == [{"lang": language}]
    assert outline.texts["h1"] == [title(shown, language)]
    [picture] = outline.attributes("svg")
    assert picture["role"] == "img"
    ids = {attributes.get("id") for _, attributes in outline.elements}
    assert {picture["aria-labelledby"], picture["aria-describedby"]} == {"chart-title", "chart-description"} <= ids
    scores = table(shown, language)
    assert outline.texts["td"] == [cell for row in scores.rows for cell in row[1:]]
    assert outline.texts["th"] == [*scores.columns, *(row[0] for row in scores.rows)]
    assert [each["scope"] for each in outline.attributes("th")] == ["col"] * len(scores.columns) + ["row"] * 8
    assert len(outline.texts["caption"]) == len(outline.attributes("figure")) == len(outline.attributes("main")) == 1


def test_a_page_says_the_verdict_and_what_is_not_drawn() -> None:
    outline = Outline(page(SVG, replace(CASES["no natural course"], set_aside=1), "en"))
    assert outline.texts["p"] == [
        "Green: good enough.",
        "The last score is 7, in week 6; sessions attended before it: 6. The baseline is 15.",
        "Administrations that need clarification and are therefore not shown: 1.",
        "It is unknown what similar people would have had without this treatment.",
    ]


def test_nothing_comes_from_elsewhere() -> None:
    outline = Outline(page(SVG, CASES["early responder"], "nb"))
    elements = {name for name, _ in outline.elements}
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & elements
    assert not {"src", "href", "onload"} & {each for _, attributes in outline.elements for each in attributes}


def test_what_could_be_taken_for_markup_is_written_as_text() -> None:
    hostile = replace(CASES["early responder"], instrument=HOSTILE)
    outline = Outline(page(SVG, hostile, "en"))
    assert "script" not in {name for name, _ in outline.elements}
    assert outline.texts["h1"] == [f"Scores on the {HOSTILE}"]
    picture = ElementTree.fromstring(with_words(SVG, hostile, "en"))
    assert picture.findtext("svg:title", namespaces=NAMESPACE) == f"Scores on the {HOSTILE}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_picture_is_named_and_described(language: str) -> None:
    shown = CASES["time for review"]
    picture = ElementTree.fromstring(with_words(SVG, shown, language))
    assert picture.attrib["role"] == "img"
    # The first two children: what a reader of pictures finds before anything that is drawn.
    name, described = list(picture)[:2]
    assert (name.text, described.text) == (title(shown, language), description(shown, language))
    assert [name.attrib["id"], described.attrib["id"]] == [
        picture.attrib["aria-labelledby"],
        picture.attrib["aria-describedby"],
    ]
    assert picture.find("svg:path", NAMESPACE) is not None
