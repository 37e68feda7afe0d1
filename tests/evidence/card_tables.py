"""The tables of the model card, in Markdown; each is made of what was measured, or of the figures that are shipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from app.scales.catalogue import instrument
from app.scales.change import ChangeCriteria
from app.trajectories.band_check import BandCheck
from app.trajectories.composite_check import CompositeRates
from app.trajectories.defaults import default_parameters
from app.trajectories.late_responders import EverFlagged, LateStates
from app.trajectories.limits import Target, composite_targets, scenario_targets, told
from app.trajectories.policy import Policy
from app.trajectories.risk_check import GROWTH_MODEL, RiskCheck
from app.trajectories.sampling_error import Interval
from app.trajectories.scenarios import Scenario
from app.trajectories.targets import Measured
from app.trajectories.trial import Belief, ScenarioCheck
from tests.evidence.real_data import WHITE_NOISE, Judged, coverage_target, log_score_target
from tests.evidence.reasons import OLDER_RELIABLE_CHANGE, TOTAL_SLOPE, Reasons

INSTRUMENTS: Final = ("phq-9", "gad-7")

SCENARIOS: Final[Mapping[str, tuple[Scenario, ...]]] = {"phq-9": tuple(Scenario), "gad-7": (Scenario.FLOOR,)}
"""What each instrument is tried in; the floor is nearest on the GAD-7 (methods, G5)."""

PREDICTORS: Final = {
    GROWTH_MODEL: "growth model",
    WHITE_NOISE: "plain mixed model, updated at each look",
    "nearest_neighbours": "100 nearest neighbours",
    "reliable_change_rule": "reliable-change rule, ranked",
    "twenty_five_percent_rule": "25 % rule, ranked",
    "classical_expected_response": "classical expected response",
}

BELIEFS: Final = {Belief.PUBLISHED: "known", Belief.LEARNT: "learnt"}

SHOWN_DOSES: Final = (1, 4, 8, 12, 20)

SOURCES_OF_POLICY: Final = {
    "flagging": "before the late window scores can't tell late responders from lasting non-responders",
    "early_window_dose": "windows of the project",
    "late_window_dose": "windows of the project; flat to session 6: Saunders et al. 2019",
    "period_evaluation_doses": "windows of the project",
    "early_share": "derived from Beard & Delgadillo 2019 (B)",
    "established_probability": "derived from Beard & Delgadillo 2019 (B)",
    "no_change_probability": "derived from Beard & Delgadillo 2019 (B)",
    "goal_probability": "less likely than not; simulation (B)",
    "clear_probability": "judgement, UNVERIFIED",
    "deterioration_probability": "simulation (B)",
    "band_level": "the project's definition of the band",
    "clear_band_level": "judgement, UNVERIFIED",
    "stale_intervals": "judgement, UNVERIFIED",
    "stale_extra_days": "judgement, UNVERIFIED",
    "plateau_dose": "judgement, UNVERIFIED",
    "plateau_sessions": "judgement, UNVERIFIED",
    "plateau_probability": "judgement, UNVERIFIED",
}


@dataclass(frozen=True)
class Findings:
    """All that one run has measured."""

    measured: Mapping[str, Measured]
    scenarios: Mapping[str, Sequence[ScenarioCheck]]
    composite: CompositeRates
    real: Sequence[Judged]
    reasons: Reasons
    run: str
    """What was run, in a sentence."""


def criteria_of(key: str) -> ChangeCriteria:
    """Give the criteria of change of an instrument's total score."""
    criteria = instrument(key).form(None).subscale("total").criteria
    assert criteria is not None, "the instrument has them"
    return criteria


def tables(found: Findings) -> dict[str, str]:
    """Give every table of the card by its name."""
    return {
        "run": found.run,
        "curves": curves_table(),
        "sources": sources_list(),
        "policy": policy_table(),
        **{f"targets-{key}": targets_table(found.measured[key].targets) for key in INSTRUMENTS},
        "targets-others": targets_table(_other_targets(found)),
        "bands": bands_table(found.measured),
        **{f"rivals-{key}": rivals_table(found.measured[key].risks) for key in INSTRUMENTS},
        "thirds": thirds_table({key: found.measured[key].risks[Belief.PUBLISHED] for key in INSTRUMENTS}),
        "late": late_table(found.measured),
        "told-apart": told_apart_table(found.measured),
        "reasons": reasons_table(found.reasons, found.measured),
        "scenarios": scenarios_table(found.scenarios),
        "composite": composite_table(found.composite),
        "real": real_table(found.real),
    }


def _other_targets(found: Findings) -> list[Target]:
    bed = found.real[0]
    everywhere = [check for key in INSTRUMENTS for check in found.scenarios[key]]
    return [
        *scenario_targets(everywhere),
        *(log_score_target(each) for each in found.real),
        coverage_target(bed),
        *composite_targets(found.composite),
    ]


def targets_table(targets: Iterable[Target]) -> str:
    """Show each target with its figures."""
    rows = ([each.name, each.asked, each.found, "yes" if each.met else "**no**"] for each in targets)
    return table(["target", "asked", "found", "met?"], rows)


def curves_table() -> str:
    """Show the figures of the default curves as they are shipped."""
    files = [default_parameters(key) for key in INSTRUMENTS]
    rows = [
        [f"`{name}`", *(_figure(_flat(each["curve"]).get(name, "")) for each in files)]
        for name in _flat(files[0]["curve"])
        if name != "instrument"
    ]
    rows += [[f"`prior.{name}`", *(_figure(each["prior"][name]) for each in files)] for name in files[0]["prior"]]
    natural = _flat(files[0]["natural_course"])
    rows += [[f"`natural_course.{name}`", _figure(value), "unknown"] for name, value in natural.items()]
    # Sources are sentences, and stand in a list of their own.
    rows = [row for row in rows if not row[0].endswith(("source`", "wording`"))]
    return table(["figure", *(key.upper() for key in INSTRUMENTS)], rows)


def sources_list() -> str:
    """Say where the figures of the default curves come from, as the files do."""
    lines = []
    for key in INSTRUMENTS:
        figures = default_parameters(key)
        said = {
            "curve": figures["curve"]["provenance"],
            "prior": figures["prior"],
            "natural course": figures.get("natural_course", {}),
            "spread of the natural course": figures.get("natural_course", {}).get("spread", {}),
        }
        for what, each in said.items():
            if each:
                marks = ", ".join(each[name] for name in ("status", "confidence") if name in each)
                lines.append(f"- **{key.upper()}, {what}** ({marks}): {_figure(each['source'])}")
    return "\n".join(lines)


def _flat(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Give figures with those of their tables beside them, as `link.kind`."""
    found: dict[str, Any] = {}
    for name, value in figures.items():
        inner = {f"{name}.{each}": of_inner for each, of_inner in value.items()} if isinstance(value, dict) else None
        found |= {name: value} if inner is None else inner
    return found


def policy_table() -> str:
    """Show the windows and thresholds of a new organisation."""
    policy = Policy()
    rows = [
        [f"`{each.name}`", _figure(getattr(policy, each.name)), SOURCES_OF_POLICY[each.name]] for each in fields(policy)
    ]
    return table(["setting", "default", "where it comes from"], rows)


def bands_table(measured: Mapping[str, Measured]) -> str:
    """Show the published curve's bands at some doses: what they hold, where the rest lies, and how wide they are."""
    looks: dict[float | None, str] = {0: "first score", 4: "scores to dose 4", None: "one step ahead"}
    rows = [
        [
            key.upper(),
            looks[each.look_dose],
            f"{each.dose:g}",
            f"{each.coverage.estimate:.3f}",
            f"{each.above.estimate:.3f}",
            f"{each.below.estimate:.3f}",
            f"{each.closed_coverage:.3f}",
            f"{each.width:.1f}",
        ]
        for key, found in measured.items()
        for each in found.bands[Belief.PUBLISHED]
        if each.look_dose in looks and each.dose in SHOWN_DOSES and each.third is None
    ]
    return table(["instrument", "known", "dose", "coverage", "above", "below", "closed", "width, points"], rows)


def rivals_table(risks: Mapping[Belief, Sequence[RiskCheck]]) -> str:
    """Show the growth model, known and learnt, beside its rivals at each look."""
    rows = []
    for look in sorted({each.look_dose for each in risks[Belief.PUBLISHED]}):
        for belief, word in BELIEFS.items():
            found = {each.predictor: each for each in risks[belief] if each.look_dose == look and each.third is None}
            # The rivals are the same in both, and shown once.
            for name in PREDICTORS if belief is Belief.PUBLISHED else [GROWTH_MODEL]:
                each = found[name]
                said = f"{PREDICTORS[name]}, {word}" if name == GROWTH_MODEL else PREDICTORS[name]
                rows.append([f"{look:g}", said, *_of_risk(each)])
    return table(["look", "predictor", "AUC", "PPV", "sensitivity", "Brier", "calibration slope", "PPV behind"], rows)


def _of_risk(risk: RiskCheck) -> list[str]:
    return [
        told(risk.auc),
        told(risk.flags.positive_predictive_value),
        f"{risk.flags.sensitivity.estimate:.3f}",
        f"{risk.brier.estimate:.3f}" if risk.brier else "",
        told(risk.calibration.slope, 2) if risk.calibration else "",
        told(risk.flags_behind) if risk.flags_behind else "",
    ]


def thirds_table(risks: Mapping[str, Sequence[RiskCheck]]) -> str:
    """Show the growth model in each third of first scores."""
    names = {1: "lowest", 2: "middle", 3: "highest"}
    rows = [
        [
            key.upper(),
            f"{each.look_dose:g}",
            names[each.third],
            f"{each.patients:,}",
            f"{each.base_rate:.3f}",
            told(each.auc),
            told(each.calibration.slope, 2),
            told(each.calibration.intercept, 2),
        ]
        for key, checks in risks.items()
        for each in checks
        if each.third is not None and each.calibration
    ]
    head = ["instrument", "look", "third", "cases", "not improved", "AUC", "calibration slope", "calibration intercept"]
    return table(head, rows)


def late_table(measured: Mapping[str, Measured]) -> str:
    """Show who is flagged before the late window, and what late responders are called."""
    rules = {
        "ranked": "20 % at each look, growth model (policy `early`)",
        "ranked_response": "20 % at each look, classical expected response",
        "pending": "likely deterioration only (policy `pending`)",
        "beyond_limit": "beyond the classical one-sided 80 % limit",
    }
    rows = []
    for key, found in measured.items():
        for name, said in rules.items():
            flagged: EverFlagged = getattr(found.flags, name)
            rows.append([key.upper(), said, *(told(each) for each in flagged)])
        rows.append([key.upper(), "called early at a look", told(_early(found.states)), "", ""])
    return table(["instrument", "at a look from dose 3 to 6", "late responders", "worsening", "all cases"], rows)


def _early(states: LateStates) -> Interval:
    return next(share for state, share in states.ever.items() if state.value == "early")


def told_apart_table(measured: Mapping[str, Measured]) -> str:
    """Show when scores tell late responders from lasting non-responders."""
    looks = list(next(iter(measured.values())).auc)
    rows = [[key.upper(), *(f"{found.auc[look].estimate:.3f}" for look in looks)] for key, found in measured.items()]
    return table(["AUC at dose", *map(str, looks)], rows)


def reasons_table(reasons: Reasons, measured: Mapping[str, Measured]) -> str:
    """Show the figures of targets that are missed where one thing is otherwise."""
    ours = measured["phq-9"].auc
    pending, before = reasons.flags.pending, measured["gad-7"].flags
    rows = [
        [
            f"PHQ-9: AUC of late responders at look {look}",
            told(ours[look]),
            f"no natural course of its own, total slope {TOTAL_SLOPE:g}",
            told(figure),
        ]
        for look, figure in reasons.auc.items()
    ]
    rows.append(
        [
            "GAD-7: late responders flagged under `pending`, as a ratio to the classical limit; of the worsening shape",
            f"{told(before.pending_ratio)}; {told(before.pending.worsening)}",
            f"reliable change of {OLDER_RELIABLE_CHANGE} points",
            f"{told(reasons.flags.pending_ratio)}; {told(pending.worsening)}",
        ]
    )
    rows.append(
        [
            "PHQ-9: late responders called early before dose 7",
            told(reasons.called_early),
            "of these, the true score was better by as much as counts at dose 3",
            f"{told(reasons.truly_early)}; of all late responders {told(reasons.early_of_all)}",
        ]
    )
    return table(["figure", "as it is", "what is otherwise", "then"], rows)


def scenarios_table(scenarios: Mapping[str, Sequence[ScenarioCheck]]) -> str:
    """Show services that are otherwise: the published curve beside one learnt from them."""
    rows = [
        [
            key.upper(),
            check.scenario.value.replace("_", " "),
            check.belief.value,
            *(_with_thirds([each for each in check.bands if each.look_dose == look]) for look in (0, 4)),
            *(told(each.calibration.slope, 2) if each.calibration else "" for each in check.risks),
            f"{check.risks[1].base_rate:.3f}",
            f"{check.risks[1].flags.positive_predictive_value.estimate:.3f}",
            told(check.gain) if check.gain else "",
        ]
        for key, checks in scenarios.items()
        for check in checks
    ]
    head = ["instrument", "service", "curve", "coverage from look 0", "from look 4", "slope at look 3", "at look 4"]
    return table([*head, "at look 7", "not improved", "PPV at look 4", "gain, nats a score"], rows)


def _with_thirds(bands: Sequence[BandCheck]) -> str:
    """Write the coverage of everybody, and between what the thirds lie."""
    (whole,) = (each.coverage.estimate for each in bands if each.third is None)
    thirds = [each.coverage.estimate for each in bands if each.third is not None]
    return f"{whole:.3f} [{min(thirds):.3f}, {max(thirds):.3f}]"


def composite_table(rates: CompositeRates) -> str:
    """Show the composite's outcomes at session 8 beside what England reports."""
    reported = "5.4-5.9 %", "66.4-68.3 %", "49.9-52.1 %"
    names = ("deterioration", "improvement", "recovery")
    rows = [
        [f"reliable {name}" if name != "recovery" else name, told(getattr(rates, name)), figure]
        for name, figure in zip(names, reported, strict=True)
    ]
    rows.append(["reliable deterioration, of all referrals", told(rates.deterioration_of_all), ""])
    rows.append(["reliable deterioration on the PHQ-9 alone, of its cases", told(rates.deterioration_alone), ""])
    return table(["at session 8 (dose 7)", f"simulated, {rates.cases:,} cases", "England, 2017/18-2024/25"], rows)


def real_table(real: Sequence[Judged]) -> str:
    """Show public repeated scores, look by look."""
    rows = []
    for judged in real:
        links = ", ".join(f"{kind.value} {count}" for kind, count in judged.links.items())
        for check in judged.log_scores:
            look = check.look_dose
            slopes = (judged.slope(look, each) for each in (GROWTH_MODEL, WHITE_NOISE))
            rows.append(
                [
                    judged.public.name,
                    links,
                    f"{look:g}",
                    str(check.scores),
                    f"{check.ours.estimate:.3f}",
                    f"{check.theirs.estimate:.3f}",
                    told(check.difference),
                    told(judged.coverage(look), 2),
                    told(judged.coverage(look, judged.public.end), 2),
                    *("" if each is None else told(each, 2) for each in slopes),
                ]
            )
    head = [
        "set",
        "links chosen",
        "look",
        "later scores",
        "log score",
        "white noise",
        "difference",
        "coverage, all later",
    ]
    return table([*head, "last score", "slope", "slope, white noise"], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(value: Any) -> str:
    """Write a figure as it is shipped."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_figure, value))
    return str(value).replace("|", "\\|").strip()
