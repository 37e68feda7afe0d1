"""One record of a file: an instrument, answers and what is known of the patient, scored and told in plain values.

What a person wrote into a file is read as strictly as what a tablet sends. Nothing raises: a record that can't be read
is told as an error, with the positive critical items that it holds all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import InvalidInput, MalformedBody, UnknownInstrument, slug
from app.scales.answers import SeveralValues
from app.scales.catalogue import catalogue, instrument
from app.scales.instrument import Form, Instrument
from app.scales.norms import Sex, TScore
from app.scales.reading import ReadFor, Reading, read_score
from app.scales.scoring import (
    CriticalAnswer,
    CriticalStatus,
    Score,
    problems,
    read_critical,
    score,
    screen,
    without_problems,
)

_FIELDS = ("instrument", "form", "answers", "item_states", "age", "sex", "grade", "gate", "impact")
_WRONG_AGE = "wrong_form_for_age"
_OLDEST = 120


def score_record(record: object) -> dict[str, Any]:
    """Score one record.

    Parameters
    ----------
    record : object
        As it was read from JSON: ``instrument``, ``answers``, and where they are known ``form``, ``item_states``,
        ``age`` (years), ``sex`` (female or male), ``grade`` (school grade in the country of the norms). ``gate`` and
        ``impact`` are the answers to an SDQ's impact supplement, for files that keep them apart.

    Returns
    -------
    dict
        ``instrument``, ``form``, ``scores`` by subscale, ``screens``, ``norms`` (of whom they were made) and
        ``critical``; or ``error`` with ``type``, ``detail`` and, where one item is to blame, ``item``, and with the
        positive critical items. Of a score, ``not_found`` names what is not published, ``unverified`` what rests on a
        figure that could not be confirmed.

    Examples
    --------
    >>> told = score_record({"instrument": "gad-7", "answers": {str(number): 2 for number in range(1, 8)}})
    >>> {name: told["scores"]["total"][name] for name in ("value", "band", "cutoffs")}
    {'value': 14, 'band': 'moderate', 'cutoffs': {'caseness': True, 'screening': True}}
    >>> score_record({"instrument": "phq-9", "answers": {"1": 7, "9": 1}})["error"]["item"]
    '1'
    """
    try:
        return _scored(record)
    except InvalidInput as error:
        return {"error": _told(error), **_critical_of(record)}


def _scored(record: object) -> dict[str, Any]:
    if not isinstance(record, Mapping):
        raise MalformedBody("a record must be an object")
    unknown = sorted(str(name) for name in record if name not in _FIELDS)
    if unknown:
        raise MalformedBody("a record has no such field", pointer=f"/{unknown[0]}", allowed=", ".join(_FIELDS))
    asked = _instrument(record)
    form = asked.form(_text(record, "form"))
    answers = _with_supplement(form, record)
    faults = problems(form, answers, record.get("item_states"))
    if faults:
        raise faults[0]
    grade, age = _number(record, "grade", whole=True), _number(record, "age")
    patient = ReadFor(_sex(record), None if grade is None else int(grade))
    assert isinstance(answers, Mapping), "answers without problems are a mapping"
    read = without_problems(form, answers, record.get("item_states"))
    scores = score(form, read)
    fits = age is None or form.fits_age(age)
    told: dict[str, Any] = {"instrument": asked.key, "form": form.key, "scores": {}}
    for subscale in form.subscales:
        each = scores.subscales[subscale.key]
        reading = read_score(asked, form, subscale, each.value, patient, prorated=each.prorated)
        told["scores"][subscale.key] = _score(each, reading) if fits else _unscored(each)
    if fits and asked.norms is not None:
        told["norms"] = asked.norms.population
    if fits and form.screens:
        told["screens"] = screen(form, read)
        if form.unverified_screens:
            told["unverified_screens"] = form.unverified_screens
    if not asked.validated:
        told["validated"] = False
    told["critical"] = [_critical(each) for each in scores.critical]
    told["asks_about_suicide"] = asked.asks_about_suicide
    return told


def _instrument(record: Mapping[Any, Any]) -> Instrument:
    key = _text(record, "instrument")
    if key is None:
        raise MalformedBody("a record must name its instrument", pointer="/instrument", allowed=", ".join(catalogue()))
    return instrument(key)


def _text(record: Mapping[Any, Any], name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise MalformedBody(f"{name} must be a text", pointer=f"/{name}")
    return value


def _number(record: Mapping[Any, Any], name: str, *, whole: bool = False) -> float | None:
    value = record.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _OLDEST
    if not is_number or (whole and value != int(value)):
        allowed = f"a {'whole ' if whole else ''}number from 0 to {_OLDEST}"
        raise MalformedBody(f"{name} must be a number", pointer=f"/{name}", allowed=allowed)
    return float(value)


def _sex(record: Mapping[Any, Any]) -> Sex | None:
    value = record.get("sex")
    if value is not None and value not in list(Sex):
        raise MalformedBody("sex must be as norms tell it", pointer="/sex", allowed=" or ".join(Sex))
    return None if value is None else Sex(value)


def _with_supplement(form: Form, record: Mapping[Any, Any]) -> object:
    """Put gate and impact among the answers, where a file keeps them apart."""
    answers = record.get("answers")
    gated = next((each for each in form.subscales if each.gate is not None), None)
    if gated is None or gated.gate is None:
        for name in ("gate", "impact"):
            if name in record:
                raise MalformedBody(f"the form has no {name}", pointer=f"/{name}")
        return answers
    if not isinstance(answers, Mapping):
        return answers
    together = dict(answers)
    impact = record.get("impact", [])
    if not isinstance(impact, list) or len(impact) > len(gated.items):
        raise MalformedBody("impact must be a list of codes", pointer="/impact", allowed=f"up to {len(gated.items)}")
    supplement = {gated.gate.item: record.get("gate"), **dict(zip(gated.items, impact, strict=False))}
    for number, code in supplement.items():
        if code is not None:
            given = together.get(number, code)
            together[number] = code if given == code else SeveralValues((given, code))
    return together


def _score(each: Score, reading: Reading) -> dict[str, Any]:
    told: dict[str, Any] = {"value": each.value, "prorated": each.prorated, "missing": each.missing}
    if each.skipped:
        told["skipped"] = each.skipped
    if each.value is None:
        told["reason"] = str(each.reason)
    if each.band is not None:
        told["band"] = each.band
    for name in ("further_bands", "cutoffs"):
        if found := getattr(reading, name):
            told[name] = dict(found)
    for name in ("not_found", "unverified"):
        if each.value is not None and (found := getattr(reading, name)):
            told[name] = list(found)
    return told | ({} if reading.t is None else {"t": _t_score(reading.t)})


def _t_score(t: TScore) -> dict[str, Any]:
    return {"reason": str(t.reason)} if t.reason else {"exact": t.exact, "shown": t.shown, "band": t.band}


def _unscored(each: Score) -> dict[str, Any]:
    return {"value": None, "prorated": False, "missing": each.missing, "reason": _WRONG_AGE}


def _critical(each: CriticalAnswer) -> dict[str, Any]:
    return {"item": each.item, "kind": each.kind, "status": str(each.status), "code": each.code}


def _told(error: InvalidInput) -> dict[str, str]:
    told = {"type": slug(type(error)), "detail": error.detail}
    if error.allowed is not None:
        told["allowed"] = error.allowed
    if error.pointer is not None and error.pointer.startswith(("/answers/", "/item_states/")):
        told["item"] = error.pointer.rpartition("/")[2]
    elif error.pointer is not None:
        told["field"] = error.pointer.removeprefix("/")
    return told


def _critical_of(record: object) -> dict[str, Any]:
    """Give the positive critical items of a record that can't be read as a whole."""
    if not isinstance(record, Mapping) or not isinstance(record.get("instrument"), str):
        return {}
    try:
        asked = instrument(record["instrument"])
    except UnknownInstrument:
        return {}
    found = read_critical(asked, record.get("answers"))
    positive = [_critical(each) for each in found if each.status is CriticalStatus.POSITIVE]
    return {"critical": positive} if positive else {}
