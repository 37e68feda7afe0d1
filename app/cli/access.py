"""`spor access`: who may do what, as the table of docs/access.md, from the policy and the interface's description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.api.middleware import WITHOUT_CREDENTIAL
from app.cli.options import settings_of
from app.db.codes import Role
from app.db.session import Database
from app.identity.policy import ALLOWED, Action
from app.main import create_app

_NEEDS_NOTHING = "without a credential"


def access() -> None:
    """Print who may do what, by subject, as in docs/access.md."""
    document = create_app(settings_of(), Database("postgresql+psycopg://")).openapi()
    print("\n\n".join(["\n".join(_table(subject, rows)) for subject, rows in _by_subject(document).items()]))


def _by_subject(document: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Give the operations of each subject, with what they do; apart from them, those that ask for no credential."""
    found: dict[str, list[tuple[str, str]]] = {}
    open_to_all: list[tuple[str, str]] = []
    for address, operations in document["paths"].items():
        for each in operations.values():
            rows = open_to_all if address in WITHOUT_CREDENTIAL else found.setdefault(each["tags"][0], [])
            rows.append((each["operationId"], _first_sentence(each["description"])))
    return found | {_NEEDS_NOTHING: open_to_all}


def _first_sentence(description: str) -> str:
    line = description.partition("\n")[0]
    return line.partition(". ")[0].rstrip(".").replace("|", "\\|")


def _table(subject: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    roles = [] if subject == _NEEDS_NOTHING else list(Role)
    yield f"### {subject.capitalize()}"
    yield ""
    yield f"| {' | '.join(['what', 'action', *(role.replace('_', ' ') for role in roles)])} |"
    yield f"|---|---|{':-:|' * len(roles)}"
    for operation, does in rows:
        held = ["yes" if Action(operation) in ALLOWED[role] else "" for role in roles]
        yield f"| {' | '.join([does, f'`{operation}`', *held])} |"
