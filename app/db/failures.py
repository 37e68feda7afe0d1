"""What the database refuses or fails at, in the words of the domain, which never hold a value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from app.db.models import Base
from app.errors import DatabaseUnavailable, InvalidReference, MalformedBody, SporError, StateConflict


class DatabaseFailure(Exception):
    """The database failed. What it says beside the first sentence may hold a whole row, and so is left out."""


def _failure(refusal: BaseException | None) -> DatabaseFailure | DatabaseUnavailable:
    state = getattr(refusal, "sqlstate", None)
    if isinstance(refusal, pg.OperationalError) and (state is None or state[:2] in _UNAVAILABLE):
        unavailable = DatabaseUnavailable("the database can't be reached at present; send the same again later")
        unavailable.reason = " ".join(str(refusal if state is None else refusal.diag.message_primary).split())
        return unavailable
    words = "no words of the server"
    if isinstance(refusal, pg.Error) and state is not None:
        words = _QUOTING.get(state[:2]) or str(refusal.diag.message_primary)
    return DatabaseFailure(f"{type(refusal).__name__} (SQLSTATE {state}): {words}")


# A data exception quotes the value that could not be used; a function that raises one quotes what it pleases.
_QUOTING = {"22": "data exception", "P0": "raised by a function"}

# Connection exception, insufficient resources, operator intervention: the server is away, full or shutting down.
_UNAVAILABLE = ("08", "53", "57")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the database refuses into a domain error; the sentence names the rule, never a value."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        refusal = error.orig if isinstance(error, DBAPIError) else error
        raise (_domain_error(refusal) or _failure(refusal)).with_traceback(error.__traceback__) from None


def _domain_error(refusal: BaseException | None) -> SporError | None:
    if not isinstance(refusal, pg.IntegrityError) or refusal.diag.constraint_name is None:
        return None
    rule = refusal.diag.constraint_name
    words = rule.removeprefix(f"{refusal.diag.table_name}_").rsplit("_", 1)[0].removeprefix("organisation_id_")
    if isinstance(refusal, pg.ForeignKeyViolation):
        return InvalidReference(f"{words} points at nothing in this organisation", pointer=f"/{words}")
    if isinstance(refusal, pg.UniqueViolation):
        return StateConflict(f"another row has the same {words.replace('_', ' ')}")
    if isinstance(refusal, pg.CheckViolation):
        table = Base.metadata.tables[str(refusal.diag.table_name)]
        pointer = f"/{words}" if words in table.columns else None  # some rules hold between several columns
        return MalformedBody(f"the rule '{words.replace('_', ' ')}' is broken", pointer=pointer)
    return None
