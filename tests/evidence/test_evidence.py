"""What the long checks show is kept under their names, the newest in place of the one before."""

from __future__ import annotations

import pytest

from tests.evidence.__main__ import CHECKS, main, said, section, with_section
from tests.programs import ROOT


def test_a_newer_section_takes_the_place_of_the_older() -> None:
    page = "# Evidence\n\nIn general.\n"
    for name, line in (("size", "old"), ("crash", "20 kills"), ("size", "new")):
        page = with_section(page, name, section(name, [line], passed=True, minutes=3))
    assert page.startswith("# Evidence\n\nIn general.\n\n## crash\n")
    assert page.count("## size") == 1
    assert page.endswith("`ADMINISTRATIONS=1750000`.\n\n    new\n")
    assert "old" not in page


def test_what_failed_is_kept_as_failed() -> None:
    assert "**Failed** on" in section("crash", [], passed=False, minutes=1)


def test_only_what_the_checks_say_is_kept() -> None:
    log = "evidence|20 kills\nhttpx|HTTP Request: PUT\ntests.machine.test_record_machine|  12 puts\n"
    assert said(log) == ["20 kills", "  12 puts"]


def test_every_check_has_its_tests() -> None:
    programs = [f"{check.program.replace('.', '/')}.py" for check in CHECKS.values() if check.program]
    tests = [path for check in CHECKS.values() for path in check.tests]
    assert [path for path in (*programs, *tests) if not (ROOT / path).exists()] == []


def test_an_unknown_check_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["remembering"])
    assert "there is no remembering; there are crash, machine" in capsys.readouterr().err
