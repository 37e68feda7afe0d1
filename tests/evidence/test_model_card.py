"""The card has every table that the command writes, and what it says of the figures that are shipped is so."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from app.trajectories.composite_check import CompositeRates
from app.trajectories.link import LinkKind
from app.trajectories.policy import Policy
from app.trajectories.scenarios import Scenario
from app.trajectories.trial import Belief
from tests.evidence import card_tables, model_card, reasons
from tests.evidence.card_tables import INSTRUMENTS, SCENARIOS, SOURCES_OF_POLICY, Findings, criteria_of, tables
from tests.evidence.model_card import Sizes, jobs, measure, pictures, with_tables
from tests.evidence.real_data import SETS
from tests.evidence.test_real_data import judged
from tests.programs import ROOT
from tests.trajectories.factories import GAD_7, PHQ_9, a_curve
from tests.trajectories.held_out import about
from tests.trajectories.judged_by_hand import a_scenario, measured_by_hand, some_flags

CARD = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8")
SMALL = Sizes(400, 250, 250, repeats=2, folds=2, kinds=(LinkKind.ARCSINE,))


def by_hand() -> Findings:
    rates = CompositeRates(30_000, *(about(each) for each in (0.74, 0.063, 0.52, 0.07, 0.025)))
    return Findings(
        measured=dict.fromkeys(INSTRUMENTS, measured_by_hand()),
        scenarios={
            key: [a_scenario(each, belief, 1.0, 1.0, 1.3) for each in scenarios for belief in Belief]
            for key, scenarios in SCENARIOS.items()
        },
        composite=rates,
        real=[judged(), judged((0.1, -0.1))],
        reasons=reasons.Reasons({7: about(0.75), 12: about(0.83)}, some_flags(), about(0.08), about(0.55), about(0.16)),
        run="Measured by hand.",
    )


def between_marks(text: str) -> dict[str, str]:
    marked = re.findall(r"model-card: ([a-z0-9-]+) -->\n(.*?)\n<!-- end", text, re.DOTALL)
    return {name: table.strip() for name, table in marked}


def head(table: str) -> str:
    """Give the head of a table; a size may stand in it."""
    return re.sub(r"[\d,]+ cases", "cases", table.partition("\n")[0])


def firsts(table: str) -> list[str]:
    """Give the first column."""
    return [line.split("|")[1].strip() for line in table.splitlines()]


class TestCard:
    def test_every_table_is_there_and_was_written(self) -> None:
        written, there = tables(by_hand()), between_marks(CARD)
        assert sorted(written) == sorted(there)
        assert with_tables(CARD, written).count("Measured by hand.") == 1
        for name in written.keys() - {"run", "sources"}:
            assert head(there[name]) == head(written[name])

    @pytest.mark.parametrize("name", ["curves", "sources", "policy"])
    def test_what_is_shipped_is_what_the_card_says(self, name: str) -> None:
        assert between_marks(CARD)[name] == tables(by_hand())[name]

    def test_rows_are_those_that_the_command_writes(self) -> None:
        written, there = tables(by_hand()), between_marks(CARD)
        for name in ("targets-phq-9", "targets-gad-7", "scenarios", "late", "composite", "reasons"):
            assert firsts(there[name]) == firsts(written[name])
        for name in ("targets-others", "rivals-phq-9", "rivals-gad-7", "thirds"):
            assert len(firsts(there[name])) >= len(firsts(written[name]))

    def test_a_missed_target_is_told(self) -> None:
        written = tables(by_hand())
        assert "**no**" not in written["targets-phq-9"]
        assert written["targets-others"].count("**no**") == 3  # both kinds of services, and one of the two sets

    def test_the_pictures_are_there(self) -> None:
        drawn = pictures(by_hand())
        shown = set(re.findall(r"!\[[^\]]+\]\(pictures/([^)]+)\)", CARD))
        assert (
            set(drawn) == shown == {f"{what}-{key}.svg" for what in ("reliability", "coverage") for key in INSTRUMENTS}
        )
        for name, spec in drawn.items():
            assert (ROOT / "docs" / "pictures" / name).read_text(encoding="utf-8").startswith("<svg")
            assert name.rpartition("-")[0].split("-")[0] in {"reliability", "coverage"}
            assert "simulated" in spec["description"]

    def test_links_lead_somewhere(self) -> None:
        links = re.findall(r"\]\(([^)#]+)\)", CARD)
        assert links
        assert [link for link in links if not (ROOT / "docs" / link).exists()] == []

    def test_it_says_what_is_not_verified_and_how_to_write_it_anew(self) -> None:
        for words in ("make model-card", "UNVERIFIED", "must not be used", "Known weaknesses"):
            assert words in CARD


class TestTables:
    def test_only_marked_places_change(self) -> None:
        text = "a\n<!-- written by make model-card: x -->\nold\n<!-- end -->\nb\n"
        expected = "a\n<!-- written by make model-card: x -->\n\n| \\1 |\n\n<!-- end -->\nb\n"
        assert with_tables(text, {"x": "| \\1 |"}) == expected
        assert with_tables(expected, {"x": "| \\1 |"}) == expected

    @pytest.mark.parametrize("written", [{}, {"x": "", "y": ""}])
    def test_a_table_too_many_or_too_few_is_refused(self, written: dict[str, str]) -> None:
        with pytest.raises(AssertionError):
            with_tables("<!-- written by make model-card: x -->\n\n<!-- end -->", written)

    def test_every_setting_of_a_policy_has_a_source(self) -> None:
        assert list(SOURCES_OF_POLICY) == [each.name for each in fields(Policy)]

    def test_criteria(self) -> None:
        assert [criteria_of(key) for key in INSTRUMENTS] == [PHQ_9, GAD_7]


class TestRun:
    def test_all_is_measured_in_small(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One other service for each instrument, and one public set: the others are asked in the same way."""
        some = {"phq-9": (Scenario.WELL_SPECIFIED, Scenario.WORSE_SERVICE), "gad-7": (Scenario.FLOOR,)}
        for module in (model_card, card_tables):
            monkeypatch.setattr(module, "SCENARIOS", some)
        monkeypatch.setattr(model_card, "SETS", SETS[:1])
        found = measure(SMALL, 1)
        written = tables(found)
        assert sorted(written) == sorted(between_marks(CARD))
        assert "400 patients of each instrument" in written["run"]
        assert [check.scenario for check in found.scenarios["phq-9"]] == [
            each for each in some["phq-9"] for _ in Belief
        ]
        assert len(pictures(found)) == 4
        told = capsys.readouterr().err.splitlines()
        assert len(told) == len(jobs(SMALL, 1)) == 2 + 3 + 1 + 3 + 1
        assert all(re.match(r" +\d+\.\d min  \w", each) for each in told)

    def test_every_service_and_set_is_a_job(self) -> None:
        assert len(jobs(SMALL, 1)) == 2 + len(Scenario) + 1 + len(SETS) + 3 + 1

    def test_figures_do_not_depend_on_how_many_run_at_once(self) -> None:
        wanted = {"composite": jobs(SMALL, 1)["composite"], "reason early": jobs(SMALL, 1)["reason early"]}
        assert model_card.run(wanted, 1, workers=1) == model_card.run(wanted, 1, workers=2)

    def test_card_and_pictures_are_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        card, asked = tmp_path / "card.md", []

        def measured(sizes: Sizes, seed: int, *, workers: int) -> Findings:
            asked.append((sizes, seed, workers >= 1))
            return by_hand()

        card.write_text(CARD, encoding="utf-8")
        monkeypatch.setattr(model_card, "CARD", card)
        monkeypatch.setattr(model_card, "PICTURES", tmp_path)
        monkeypatch.setattr(model_card, "measure", measured)
        given = ["--patients", "300", "--learnt-from", "200", "--in-a-scenario", "100", "--seed", "5"]
        assert model_card.main(given) == 0
        assert asked == [(Sizes(300, 200, 100), 5, True)]
        assert "Measured by hand." in card.read_text(encoding="utf-8")
        assert len(list(tmp_path.glob("*.svg"))) == 4


def test_true_scores_are_those_without_noise() -> None:
    """Where persons are alike and nothing drifts, late responders gain nothing by dose 3, whatever they are called."""
    alike = replace(a_curve(), sd_intercept=0.0, sd_slope=0.0, drift_variance=0.0, natural_fall=0.0)
    called, truly, of_all = reasons.called_early(alike, PHQ_9, seed=1, count=300)
    assert 0 < called.estimate < 1
    assert truly.estimate == of_all.estimate == 0
