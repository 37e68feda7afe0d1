"""The official wording of a form, as a FHIR R4 Questionnaire brings it.

The repository ships no questionnaire's sentences; an organisation loads those that it has the right to use. Questions
are matched to items by their number (linkId) or LOINC code, answers to codes by their LOINC code, their ordinal value
or their code. What does not match is refused with a list: a question under the wrong item would be scored wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from app.errors import InvalidInput, MalformedBody
from app.scales.instrument import Form
from app.scales.item import Choice, Item

LANGUAGES = ("nb", "nn", "en")
_LONGEST = 4000
_NO_QUESTION = ("group", "display")
_LOINC = "http://loinc.org"
_ORDINAL = (
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
)


@dataclass(frozen=True, slots=True)
class FormWording:
    """What a form says, in one language.

    Parameters
    ----------
    language : str
        nb, nn or en.
    items : mapping of str to str
        By the item's number.
    choices : mapping of str to mapping of int to str
        By the item's number and the code; of an item that is answered on a line, the two ends or none.
    introduction : str or None
        What stands above the questions; None where there is nothing.
    """

    language: str
    items: Mapping[str, str]
    choices: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    introduction: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", MappingProxyType(dict(self.items)))
        choices = {number: MappingProxyType(dict(texts)) for number, texts in self.choices.items()}
        object.__setattr__(self, "choices", MappingProxyType(choices))


def read_questionnaire(form: Form, questionnaire: object) -> FormWording:
    """Read the wording of a form from a FHIR R4 Questionnaire.

    Parameters
    ----------
    form : Form
        The form that it words.
    questionnaire : object
        The resource as it was read from JSON.

    Returns
    -------
    FormWording
        A text for every item that is scored, and for every code of its choices.

    Raises
    ------
    MalformedBody
        If it is no Questionnaire in a language of ours, or does not match the form; `also` holds the other mismatches.
    """
    if not isinstance(questionnaire, Mapping) or questionnaire.get("resourceType") != "Questionnaire":
        raise MalformedBody("the body must be a FHIR Questionnaire", pointer="/resourceType", allowed="Questionnaire")
    language = _language(questionnaire.get("language"))
    reader = _Reader(form, questionnaire)
    for pointer, question in _questions(questionnaire.get("item"), "/item"):
        reader.read(pointer, question)
    missing = [item.number for item in form.items if item.scored and item.number not in reader.items]
    if missing:
        detail = f"there is no question for item {', '.join(missing)}"
        reader.faults.append(MalformedBody(detail, pointer="/item"))
    if reader.faults:
        first, *others = reader.faults
        first.also = tuple(others)
        raise first
    introduction = questionnaire.get("description")
    return FormWording(
        language, reader.items, reader.choices, str(introduction) if _says_something(introduction) else None
    )


def _language(given: object) -> str:
    language = given.split("-")[0].lower() if isinstance(given, str) else ""
    language = "nb" if language == "no" else language
    if language not in LANGUAGES:
        raise MalformedBody("it must name its language", pointer="/language", allowed=", ".join(LANGUAGES))
    return language


def _questions(items: object, pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Walk through all questions, also those in groups."""
    for place, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, Mapping):
            if item.get("type") not in _NO_QUESTION:
                yield f"{pointer}/{place}", item
            yield from _questions(item.get("item"), f"{pointer}/{place}/item")


class _Reader:
    """Matches questions to the items of a form, and notes what does not match."""

    def __init__(self, form: Form, questionnaire: Mapping[str, Any]) -> None:
        self._form, self._questionnaire = form, questionnaire
        self._by_loinc = {item.loinc: item for item in form.items if item.loinc is not None}
        self.items: dict[str, str] = {}
        self.choices: dict[str, dict[int, str]] = {}
        self.faults: list[InvalidInput] = []

    def read(self, pointer: str, question: Mapping[str, Any]) -> None:
        item = self._item(question)
        text = question.get("text")
        if item is None:
            self._fault("the question belongs to no item of the form", f"{pointer}/linkId")
        elif item.number in self.items:
            self._fault(f"item {item.number} has a question already", f"{pointer}/linkId")
        elif not _says_something(text):
            self._fault(f"the question of item {item.number} has no text", f"{pointer}/text")
        else:
            self.items[item.number] = str(text)
            if not item.choices.line:
                self.choices[item.number] = self._choices(pointer, question, item)

    def _fault(self, detail: str, pointer: str) -> None:
        self.faults.append(MalformedBody(detail, pointer=pointer))

    def _item(self, question: Mapping[str, Any]) -> Item | None:
        coded = [each.get("code") for each in _objects(question.get("code")) if each.get("system") == _LOINC]
        found = next((self._by_loinc[code] for code in coded if code in self._by_loinc), None)
        if found is None and isinstance(link := question.get("linkId"), str):
            place = self._form.position.get(link)
            found = self._form.items[place] if place is not None else self._by_loinc.get(link.removeprefix("/"))
        return found

    def _choices(self, pointer: str, question: Mapping[str, Any], item: Item) -> dict[int, str]:
        texts: dict[int, str] = {}
        for option in self._options(question):
            choice = _choice(option, item)
            display = option.get("display")
            if choice is None or choice.code in texts:
                self._fault(f"an answer of item {item.number} belongs to none of its codes", f"{pointer}/answerOption")
            elif not _says_something(display):
                self._fault(f"answer {choice.code} of item {item.number} has no text", f"{pointer}/answerOption")
            else:
                texts[choice.code] = str(display)
        missing = [str(code) for code in item.codes if code not in texts]
        if missing:
            self._fault(f"item {item.number} lists no answer for {', '.join(missing)}", f"{pointer}/answerOption")
        return texts

    def _options(self, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Give the answers as codings, wherever they are listed."""
        for option in _objects(question.get("answerOption")):
            coding = option.get("valueCoding")
            if isinstance(coding, Mapping):
                extensions = [*_objects(option.get("extension")), *_objects(coding.get("extension"))]
                yield {**coding, "extension": extensions}
        wanted = question.get("answerValueSet")
        for value_set in _objects(self._questionnaire.get("contained")):
            if isinstance(wanted, str) and wanted == f"#{value_set.get('id')}":
                compose = value_set.get("compose")
                for include in _objects(compose.get("include") if isinstance(compose, Mapping) else None):
                    yield from ({"system": include.get("system"), **each} for each in _objects(include.get("concept")))


def _says_something(text: object) -> bool:
    """Tell whether a text can be kept and shown: no half characters, no null character, not too long."""
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST or "\x00" in text:
        return False
    return text == text.encode(errors="replace").decode()


def _objects(listed: object) -> list[dict[str, Any]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _choice(coding: Mapping[str, Any], item: Item) -> Choice | None:
    by_loinc = {each.loinc: each for each in item.choices.choices if each.loinc is not None}
    by_code = {each.code: each for each in item.choices.choices}
    code = coding.get("code")
    if coding.get("system") == _LOINC and code in by_loinc:
        return by_loinc[code]
    for extension in _objects(coding.get("extension")):
        value = extension.get("valueDecimal")
        if extension.get("url") in _ORDINAL and isinstance(value, int | float):
            return by_code.get(int(value)) if value == int(value) else None
    return by_code.get(int(code)) if isinstance(code, str) and code.isdecimal() and code.isascii() else None
