"""`spor instrument`: checks a service's own instrument file, and lists the shipped instruments as the docs do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from app.errors import InstrumentDataError
from app.scales.catalogue import catalogue, not_implemented
from app.scales.instrument import Instrument, LicenceStatus
from app.scales.own import load_own_instrument

commands = typer.Typer(no_args_is_help=True, help="Instrument files.", rich_markup_mode=None)


@commands.command()
def check(
    file: Annotated[Path, typer.Argument(help="An instrument file, named after its key: my-scale.toml.")],
) -> None:
    """Check a service's own instrument file; a fault names file, line and rule, and the exit code is 2."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InstrumentDataError(f"{file}: the file is not UTF-8") from None
    except OSError as error:
        raise InstrumentDataError(f"{file}: {error.strerror}") from None
    own = load_own_instrument(text, file.name)
    print(f"{file}: {own.title}, version {own.version}")
    for form in own.forms:
        scores = ", ".join(f"{each.key} {each.minimum}-{each.maximum}" for each in form.subscales)
        print(f"  {form.key}: {len(form.items)} items; {scores}")


@commands.command()
def table() -> None:
    """Print the shipped instruments as the table of docs/instruments.md."""
    print("\n".join(_table()))


_STATUS = {LicenceStatus.FREE: "free", LicenceStatus.AGREEMENT_NEEDED: "agreement needed"}


def _table() -> Iterator[str]:
    yield "| key | instrument | forms | scores | over time | licence | holder | least confirmed |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in catalogue().values():
        forms = ", ".join(form.key for form in each.forms)
        scores = ", ".join(subscale.key for subscale in each.forms[0].subscales)
        followed = "yes" if each.not_for_change is None else f"no: {each.not_for_change.replace('_', ' ')}"
        licence = _STATUS[each.licence.status]
        title = each.title if each.validated else f"{each.title} (our own, not a validated instrument)"
        cells = (f"`{each.key}`", title, forms, scores, followed, licence, each.licence.holder, _least_confirmed(each))
        yield f"| {' | '.join(cells)} |"
    for other in not_implemented():
        yield f"| `{other.key}` | {other.title} | | | | not implemented: {other.reason} | {other.holder} | |"


def _least_confirmed(instrument: Instrument) -> str:
    """Name what of an instrument's data could not be confirmed."""
    named: list[str] = []
    if instrument.licence.source.confidence == "UNVERIFIED":
        named.append("licence")
    for form in instrument.forms:
        for subscale in form.subscales:
            figures = {**subscale.sources, "missing items": subscale.missing.source}
            figures |= {f"cut-off {cutoff.key}": cutoff.source for cutoff in subscale.further_cutoffs}
            figures |= {f"{each.measure}": each.source for each in subscale.reliability}
            named += [name.replace("_", " ") for name, each in figures.items() if each.confidence == "UNVERIFIED"]
    return ", ".join(dict.fromkeys(named))
