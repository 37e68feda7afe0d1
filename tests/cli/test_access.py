"""`spor access`: the docs say who may do what, and say it as the policy does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.db.codes import Role
from app.identity.policy import ALLOWED, Action
from tests.cli.commands import run

DOCS = Path(__file__).parents[2] / "docs" / "access.md"


def told(text: str) -> dict[str, set[str]]:
    """Read from the tables by role which action has which roles."""
    found: dict[str, set[str]] = {}
    roles: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if cells[:2] == ["what", "action"]:
            roles = [cell.replace(" ", "_") for cell in cells[2:]]
        elif roles and (named := re.fullmatch("`([a-z_]+)`", cells[1] if len(cells) > 1 else "")):
            assert named[1] not in found, f"{named[1]} stands twice"
            found[named[1]] = {role for role, cell in zip(roles, cells[2:], strict=True) if cell == "yes"}
    return found


def policy() -> dict[str, set[str]]:
    return {action.value: {role.value for role in Role if action in ALLOWED[role]} for action in Action}


def test_the_docs_hold_the_table_that_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = run(capsys, "access")
    assert code == 0
    assert DOCS.read_text(encoding="utf-8").endswith(f"\n\n{printed}"), "spor access > the end of docs/access.md"


def test_the_docs_say_what_the_policy_says() -> None:
    assert told(DOCS.read_text(encoding="utf-8")) == policy()


def test_a_cell_that_says_otherwise_is_found() -> None:
    text = DOCS.read_text(encoding="utf-8")
    [row] = re.findall(r"^.*\| `delete_patient` \|.*$", text, re.MULTILINE)
    for other in (row.replace(" yes ", "  "), re.sub(r"\|  \|$", "| yes |", row), row.replace("delete_", "undelete_")):
        assert other != row
        assert told(text.replace(row, other)) != policy()


def test_what_needs_no_credential_stands_apart(capsys: pytest.CaptureFixture[str]) -> None:
    _, printed, _ = run(capsys, "access")
    apart = printed.partition("### Without a credential")[2]
    assert set(re.findall("`([a-z_]+)`", apart)) == {
        "open_session",
        "pair_device",
        "read_live",
        "read_ready",
        "redeem_invitation",
        "redeem_link",
    }
