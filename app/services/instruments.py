"""The instruments of an organisation: which there are, which it may use, what they say, and its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.db.instruments import add_own_instrument, find_instrument, instruments_in_use
from app.db.models import Wording
from app.db.session import Work
from app.db.wordings import add_wording, languages_with_wording, wordings_of
from app.errors import InstrumentDataError, InstrumentNotForChange, MalformedBody
from app.scales.catalogue import catalogue
from app.scales.instrument import Form, Instrument
from app.scales.own import load_own_instrument
from app.scales.wording import FormWording, read_questionnaire
from app.services.settings import current_settings
from app.texts.catalogue import LANGUAGES, say


@dataclass(frozen=True, slots=True)
class Listed:
    """One instrument of the organisation's list."""

    instrument: Instrument
    enabled: bool
    own: bool
    languages: list[str]
    """In which the official wording is loaded; all of ours, where the wording is our own."""


@dataclass(frozen=True, slots=True)
class Worded:
    """An instrument with what its forms say in one language, where that is known."""

    instrument: Instrument
    enabled: bool
    own: bool
    wordings: Mapping[str, FormWording]
    """By form. Without one, short topics are shown, which are not for clinical use."""


def list_instruments(work: Work) -> list[Listed]:
    """List the shipped instruments and the organisation's own."""
    settings, languages = current_settings(work), languages_with_wording(work)
    return [
        Listed(
            instrument=each,
            enabled=settings.enables(each),
            own=key not in catalogue(),
            languages=list(LANGUAGES) if _is_ours(each) else languages.get(key, []),
        )
        for key, each in sorted(work.ask(instruments_in_use(work)).items())
    ]


def read_instrument(work: Work, key: str, language: str) -> Worded:
    """Give an instrument with its wording in a language.

    Raises
    ------
    UnknownInstrument
        If the organisation has none with that key.
    """
    found = find_instrument(work, key, pointer="/key")
    if _is_ours(found):
        wordings = {form.key: _our_wording(found, form, language) for form in found.forms}
    else:
        kept = wordings_of(work, found.key, found.version)
        wordings = {each.form: _read(each) for each in kept if each.language == language}
    return Worded(found, current_settings(work).enables(found), found.key not in catalogue(), wordings)


def add_instrument(work: Work, name: str, text: str) -> Instrument:
    """Add an instrument of the organisation's own, or a new version of one.

    Raises
    ------
    MalformedBody
        If the file breaks a rule of the format, with file, line and rule; or the organisation's limit of unanswered
        items does not fit it.
    StateConflict
        If that version is there already.
    """
    try:
        own = load_own_instrument(text, name)
    except InstrumentDataError as error:
        raise MalformedBody(error.detail, pointer="/text") from None
    limit = current_settings(work).max_missing.get(own.key)
    for form in own.forms:
        for subscale in form.subscales:
            subscale.missing.limit(limit)
    add_own_instrument(work, own, text)
    return own


def load_wording(work: Work, key: str, form: str, questionnaire: object) -> FormWording:
    """Load the official wording of a form in the language of the questionnaire.

    Raises
    ------
    UnknownInstrument
        If there is no such instrument or form.
    MalformedBody
        If the questionnaire does not match the form, with all that does not.
    """
    found = find_instrument(work, key, pointer="/key")
    worded = found.form(form)
    wording = read_questionnaire(worded, questionnaire)
    choices = {number: {str(code): text for code, text in each.items()} for number, each in wording.choices.items()}
    add_wording(
        work,
        instrument=found.key,
        instrument_version=found.version,
        form=worded.key,
        language=wording.language,
        wording={"items": dict(wording.items), "choices": choices, "introduction": wording.introduction},
    )
    return wording


def require_for_change(instrument: Instrument, pointer: str) -> None:
    """Refuse an instrument that is not followed over time, and say why it is not.

    Raises
    ------
    InstrumentNotForChange
        If it is not.
    """
    if instrument.not_for_change is not None:
        raise InstrumentNotForChange(
            f"{instrument.title} is not followed over time: {instrument.not_for_change.because}",
            pointer=pointer,
            allowed=", ".join(each.key for each in catalogue().values() if each.for_change),
        )


def _read(kept: Wording) -> FormWording:
    choices = {
        number: {int(code): text for code, text in each.items()} for number, each in kept.wording["choices"].items()
    }
    return FormWording(kept.language, kept.wording["items"], choices, kept.wording["introduction"])


def _is_ours(instrument: Instrument) -> bool:
    """Tell whether the instrument is shipped with a wording of our own: it is nobody's validated one."""
    return instrument.key in catalogue() and not instrument.validated


def _our_wording(instrument: Instrument, form: Form, language: str) -> FormWording:
    prefix = f"wording.{instrument.key}.{form.key}"
    items = {item.number: say(f"{prefix}.{item.number}", language) for item in form.items}
    words = [say(f"wording_end.{end}", language) for end in ("not_at_all", "fully")]
    ends = {item.number: dict(zip((item.codes[0], item.codes[-1]), words, strict=True)) for item in form.items}
    return FormWording(language, items, ends, say(f"{prefix}.introduction", language))
