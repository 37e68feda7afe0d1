"""`spor curve`: learning curves from an organisation's own episodes, which no request ever waits for."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any
from uuid import UUID

import typer

from app.cli.connections import ready_database
from app.cli.options import DataDir, settings_of
from app.db.ids import uuid7
from app.db.models import Curve
from app.db.session import Access
from app.services.learning import METHODS, find_line
from app.services.learning import learn as learn_curve
from app.services.organisations import founding_scope

commands = typer.Typer(no_args_is_help=True, help="Curves learnt from an organisation's own episodes.")


@commands.callback()
def _curves() -> None:
    """Keep `learn` a command of its own group, though it is the only one."""


@commands.command()
def learn(
    organisation: Annotated[UUID, typer.Option(help="Id of the organisation.")],
    instrument: Annotated[str, typer.Option(help="Key of the instrument, as phq-9.")],
    form: Annotated[str | None, typer.Option(help="The form, where the instrument has several.")] = None,
    programme: Annotated[UUID | None, typer.Option(help="Id of a programme, to learn from its episodes only.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Learn a candidate from the older episodes, judge it by the newest quarter, and print what was found.

    A service lead puts it into force, if every gate is passed.
    """
    with ready_database(settings_of(data_dir=data_dir)) as database:
        scope, access = founding_scope(organisation), Access("learn_curve", uuid7())
        with database.work(scope, access) as work:
            line = find_line(work, instrument, form, programme)
            print(f"spor: learning a curve of {line.instrument}", file=sys.stderr)
            found = _told(learn_curve(work, line, METHODS))
        print(json.dumps(found, ensure_ascii=False))


def _told(curve: Curve) -> dict[str, Any]:
    """Tell what was learnt, and whether it may be put into force."""
    evaluation = curve.evaluation or {}
    return {
        "id": str(curve.id),
        "key": curve.key,
        "instrument": curve.instrument,
        "form_family": curve.form_family,
        "programme_id": str(curve.programme_id) if curve.programme_id else None,
        "revision": curve.revision,
        "data_from": str(curve.data_from),
        "data_to": str(curve.data_to),
        "n_episodes": curve.n_episodes,
        "n_observations": curve.n_observations,
        "local_information": curve.local_information,
        "passed": evaluation.get("passed", False),
        "gates": evaluation.get("gates", []),
        "warnings": curve.provenance["warnings"],
    }
