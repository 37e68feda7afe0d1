"""Instrument files: reads one, and checks it as a whole.

An instrument file is TOML, named after the instrument's key. What is a fact of somebody else's (a figure, a code of
another system, a licence) names its source: ``source`` is a key of the table ``sources``, where text and confidence
stand. A single figure is a table of its own, ``{ value = 10, source = "caseness" }``. Lists of items that several
forms have stand once, in the table ``item_lists``, and a form that is scored as another one (its follow-up) says so
with ``scored_as``. A key that the format does not know is an error, so that a slip of the pen is never a silence.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from app.errors import InstrumentDataError
from app.scales.change import Better, ChangeCriteria
from app.scales.instrument import (
    Band,
    Choice,
    ChoiceList,
    Confidence,
    CriticalItem,
    Cutoff,
    Form,
    Gate,
    InformantRole,
    Instrument,
    Item,
    Licence,
    LicenceStatus,
    MissingMethod,
    MissingRule,
    NotForChange,
    Reliability,
    ReliabilityMeasure,
    Source,
    Subscale,
)
from app.scales.norms import Group, Norm, Norms, Sex, TBand
from app.scales.screen_table import read_screen
from app.scales.skips import SkipRule
from app.scales.subscale import Interval, TimeUnit
from app.scales.tables import Table


def _nothing_beside(name: str) -> str:
    raise InstrumentDataError(f"there is no file {name} beside it")


def load_instrument(text: str, file: str, read: Callable[[str], str] = _nothing_beside) -> Instrument:
    """Read an instrument from the text of its file.

    Parameters
    ----------
    text : str
        The file's content, TOML.
    file : str
        The file's name, which is the instrument's key and ``.toml``.
    read : callable, optional
        Gives the text of a file that lies beside it, by its name; norms are kept in one.

    Returns
    -------
    Instrument
        Checked as a whole.

    Raises
    ------
    InstrumentDataError
        If the file breaks a rule of the format; the sentence names the file, the place and the rule.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InstrumentDataError(f"{file}: not TOML: {error}") from error
    sources: dict[str, Source] = {}
    table = Table(content, file, sources)
    listed = table.table("sources")
    sources.update({key: _source(listed.table(key)) for key in listed.names()})
    loaded = _instrument(table, read)
    if file != f"{loaded.key}.toml":
        raise InstrumentDataError(f"{file}: the file of instrument {loaded.key} must be named {loaded.key}.toml")
    return loaded


def _source(table: Table) -> Source:
    with table.checked():
        return Source(table.text("text"), table.code("confidence", Confidence))


def _instrument(table: Table, read: Callable[[str], str]) -> Instrument:
    with table.checked():
        choices = tuple(map(_choice_list, table.tables("choices")))
        by_key = {each.key: each for each in choices}
        critical_items = tuple(map(_critical_item, table.tables("critical_items")))
        item_lists = _item_lists(table, by_key)
        forms: list[Form] = []
        for each in table.tables("forms"):
            forms.append(_form(each, forms, by_key, item_lists, critical_items))
        sources: dict[str, Source] = {}
        return Instrument(
            key=table.text("key"),
            version=table.text("version"),
            title=table.text("title"),
            forms=tuple(forms),
            choices=choices,
            licence=_licence(table.table("licence")),
            main_subscale=table.text("main_subscale"),
            not_for_change=table.code("not_for_change", NotForChange) if table.has("not_for_change") else None,
            by_calendar=table.boolean("by_calendar", default=False),
            validated=table.boolean("validated"),
            asks_about_suicide=table.boolean("asks_about_suicide"),
            recall_days=table.figure("recall_days", Table.integer, sources),
            loinc_panel=table.figure("loinc_panel", Table.text, sources),
            norms=_norms(table.table("norms"), read) if table.has("norms") else None,
            sources=sources,
        )


_NORM_COLUMNS = ["form", "sex", "first_grade", "last_grade", "subscale", "mean", "sd", "source"]


def _norms(table: Table, read: Callable[[str], str]) -> Norms:
    """Read norms, whose figures stand in a file of their own: a row for each group and subscale."""
    with table.checked():
        rows = csv.DictReader(io.StringIO(read(table.text("file"))))
        if rows.fieldnames != _NORM_COLUMNS:
            raise InstrumentDataError(f"the columns of norms must be: {', '.join(_NORM_COLUMNS)}")
        norms: dict[tuple[Group, str], Norm] = {}
        for number, row in enumerate(rows, start=2):
            try:
                group = Group(row["form"], Sex(row["sex"]), int(row["first_grade"]), int(row["last_grade"]))
                norm = Norm(Fraction(row["mean"]), Fraction(row["sd"]), table.source_named(row["source"]))
            except ValueError as error:
                raise InstrumentDataError(f"row {number} of the norms: {error}") from error
            if (group, row["subscale"]) in norms:
                raise InstrumentDataError(f"row {number} of the norms is there already")
            norms[group, row["subscale"]] = norm
        return Norms(
            population=table.text("population"),
            norms=norms,
            bands=tuple(map(_t_band, table.tables("bands"))),
            shown_up_to=table.integer("shown_up_to"),
            source=table.source(),
        )


def _t_band(table: Table) -> TBand:
    with table.checked():
        starts_at = table.integer("starts_at") if table.has("starts_at") else None
        return TBand(table.text("code"), starts_at, table.source())


def _licence(table: Table) -> Licence:
    with table.checked():
        return Licence(
            status=table.code("status", LicenceStatus),
            holder=table.text("holder"),
            terms=table.text("terms"),
            source=table.source(),
        )


def _choice_list(table: Table) -> ChoiceList:
    with table.checked():
        return ChoiceList(
            key=table.text("key"),
            choices=tuple(map(_choice, table.tables("choices"))),
            source=table.source(),
            loinc=table.optional_text("loinc"),
            line=table.boolean("line", default=False),
            per_point=table.integer("per_point") if table.has("per_point") else 1,
        )


def _choice(table: Table) -> Choice:
    with table.checked():
        return Choice(
            code=table.integer("code"),
            topic=table.text("topic"),
            loinc=table.optional_text("loinc"),
            counts=table.integer("counts") if table.has("counts") else None,
            left_out=table.boolean("left_out", default=False),
        )


def _critical_item(table: Table) -> CriticalItem:
    with table.checked():
        return CriticalItem(
            item=table.text("item"),
            threshold=table.integer("threshold"),
            kind=table.text("kind"),
            source=table.source(),
            under_age=table.integer("under_age") if table.has("under_age") else None,
            duties=table.texts("duties") if table.has("duties") else (),
        )


def _item_lists(table: Table, choices: Mapping[str, ChoiceList]) -> dict[str, tuple[Item, ...]]:
    """Read the lists of items that forms have in common."""
    if not table.has("item_lists"):
        return {}
    listed = table.table("item_lists")
    with listed.checked():
        return {name: tuple(_item(each, choices) for each in listed.tables(name)) for name in listed.names()}


def _form(
    table: Table,
    before: Sequence[Form],
    choices: Mapping[str, ChoiceList],
    item_lists: Mapping[str, tuple[Item, ...]],
    critical_items: tuple[CriticalItem, ...],
) -> Form:
    with table.checked():
        items = tuple(_item(each, choices) for each in table.tables("items"))
        for name in table.texts("item_lists") if table.has("item_lists") else ():
            if name not in item_lists:
                raise InstrumentDataError(f"there is no list of items {name}")
            items += item_lists[name]
        if table.has("scored_as"):
            other = _form_scored_as(table.table("scored_as"), before)
            given: dict[str, Any] = {"key": table.text("key"), "items": items}
            if table.has("family"):
                given |= {"family": table.text("family"), "respondents": table.codes("respondents", InformantRole)}
            return replace(other, **given)
        sources: dict[str, Source] = {}
        return Form(
            key=table.text("key"),
            family=table.text("family"),
            respondents=table.codes("respondents", InformantRole),
            items=items,
            subscales=tuple(map(_subscale, table.tables("subscales"))),
            min_age=table.figure("min_age", Table.integer, sources),
            max_age=table.figure("max_age", Table.integer, sources),
            sources=sources,
            critical_items=critical_items,
            skip_rules=tuple(map(_skip_rule, table.tables("skip_rules"))),
            screens=tuple(map(read_screen, table.tables("screens"))),
        )


def _form_scored_as(table: Table, before: Sequence[Form]) -> Form:
    """Find the form that another one shares everything with but key and items, and who answers it, if that is said."""
    with table.checked():
        key, _ = table.text("form"), table.source()
        found = next((form for form in before if form.key == key), None)
        if found is None:
            raise InstrumentDataError(f"there is no form {key} before this one")
        return found


def _item(table: Table, choices: Mapping[str, ChoiceList]) -> Item:
    with table.checked():
        listed = table.text("choices")
        if listed not in choices:
            raise InstrumentDataError(f"there is no list of choices {listed}")
        return Item(
            number=table.text("number"),
            topic=table.text("topic"),
            choices=choices[listed],
            source=table.source(),
            loinc=table.optional_text("loinc"),
            scored=table.boolean("scored", default=True),
            reversed=table.boolean("reversed", default=False),
        )


def _subscale(table: Table) -> Subscale:
    with table.checked():
        sources: dict[str, Source] = {}
        minimum, maximum, times_mean, per_point = _range(table.table("range"), sources)
        criteria = None
        if table.has("better"):
            criteria = ChangeCriteria(
                minimum=minimum,
                maximum=maximum,
                better=table.code("better", Better),
                cutoff=table.figure("cutoff", Table.integer, sources),
                reliable_change=table.figure("reliable_change", Table.integer, sources),
                important_difference=table.figure("important_difference", Table.decimal, sources),
            )
        return Subscale(
            key=table.text("key"),
            items=table.texts("items") if table.has("items") else (),
            parts=table.texts("parts") if table.has("parts") else (),
            times_mean=times_mean,
            per_point=per_point,
            gate=_gate(table.table("gate")) if table.has("gate") else None,
            minimum=minimum,
            maximum=maximum,
            missing=_missing_rule(table.table("missing")),
            loinc=table.figure("loinc", Table.text, sources),
            sources=sources,
            bands=tuple(map(_band, table.tables("bands"))),
            further_bands=_further_bands(table),
            not_found=_not_found(table),
            criteria=criteria,
            further_cutoffs=tuple(map(_cutoff, table.tables("further_cutoffs"))),
            reliability=tuple(map(_reliability, table.tables("reliability"))),
            norm=_norm(table.table("norm")) if table.has("norm") else None,
        )


def _range(table: Table, sources: dict[str, Source]) -> tuple[int, int, int | None, int]:
    """Read how far a score reaches, and in what it is counted where that is not the sum of its items."""
    with table.checked():
        sources["range"] = table.source()
        times_mean = table.integer("times_mean") if table.has("times_mean") else None
        per_point = table.integer("per_point") if table.has("per_point") else 1
        return table.integer("minimum"), table.integer("maximum"), times_mean, per_point


def _missing_rule(table: Table) -> MissingRule:
    with table.checked():
        return MissingRule(
            max_missing=table.integer("max_missing"),
            method=table.code("method", MissingMethod),
            source=table.source(),
            configurable=table.boolean("configurable", default=False),
        )


def _gate(table: Table) -> Gate:
    with table.checked():
        return Gate(table.text("item"), table.integer("code"), table.source())


def _skip_rule(table: Table) -> SkipRule:
    with table.checked():
        return SkipRule(table.texts("after"), table.texts("skips"), table.source())


def _further_bands(table: Table) -> dict[str, tuple[Band, ...]]:
    if not table.has("further_bands"):
        return {}
    named = table.table("further_bands")
    with named.checked():
        return {name: tuple(map(_band, named.tables(name))) for name in named.names()}


def _not_found(table: Table) -> dict[str, Source]:
    """Read what was looked for and not found, each with its source."""
    if not table.has("not_found"):
        return {}
    named = table.table("not_found")
    found: dict[str, Source] = {}
    with named.checked():
        for name in named.names():
            with (entry := named.table(name)).checked():
                found[name] = entry.source()
    return found


def _band(table: Table) -> Band:
    with table.checked():
        return Band(table.text("code"), table.integer("low"), table.integer("high"), table.source())


def _cutoff(table: Table) -> Cutoff:
    with table.checked():
        sex = table.code("sex", Sex) if table.has("sex") else None
        return Cutoff(table.text("key"), table.integer("score"), table.source(), sex)


def _reliability(table: Table) -> Reliability:
    with table.checked():
        return Reliability(
            measure=table.code("measure", ReliabilityMeasure),
            coefficient=table.decimal("coefficient"),
            source=table.source(),
            interval=_interval(table.table("interval")) if table.has("interval") else None,
        )


def _interval(table: Table) -> Interval:
    with table.checked():
        return Interval(table.integer("first"), table.integer("last"), table.code("unit", TimeUnit))


def _norm(table: Table) -> Norm:
    with table.checked():
        mean, sd = (Fraction(str(table.decimal(name))) for name in ("mean", "sd"))
        return Norm(mean, sd, table.source())
