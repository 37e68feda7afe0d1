"""A report of an invented service that has every table, every kind of figure and every reason for having none.

The figures are made up, and hang together: they come from a small invented cohort, not from anybody's record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import sqrt

from app.reports.document import Cell, Column, Fact, Kind, Note, Report, Row, Section, Table, Withheld

SMALL = Cell(withheld=Withheld.SMALL_NUMBER)
UNKNOWN = Cell(withheld=Withheld.UNKNOWN)
NOT_APPLICABLE = Cell(withheld=Withheld.DOES_NOT_APPLY)
NOT_COMPARABLE = Cell(withheld=Withheld.NOT_COMPARABLE)
UNRELIABLE = Cell(withheld=Withheld.UNRELIABLE)

_Z = 1.96


def count(value: int) -> Cell:
    return Cell(value)


def share(cases: int, of: int) -> Cell:
    """A share with Wilson's interval (1927)."""
    p, n = cases / of, of
    centre, half = (p + _Z**2 / (2 * n)), _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    low, high = ((centre - half) / (1 + _Z**2 / n), (centre + half) / (1 + _Z**2 / n))
    return Cell(p, max(0.0, round(low, 6)), min(1.0, round(high, 6)), of)


def columns(**kinds: Kind) -> tuple[Column, ...]:
    return tuple(Column(key, kind) for key, kind in kinds.items())


def denominators() -> Table:
    steps = (("referred", 412), ("started", 356), ("two_sessions", 301), ("paired", 268), ("cases", 231))
    rows = [Row("referred", (count(412), Cell(1.0)))]
    for (_, before), (key, number) in pairwise(steps):
        rows.append(Row(key, (count(number), Cell(number / before, of=before))))
    notes = (Note("missing_share", {"missing": 33, "of": 301}),)
    return Table("denominators", columns(count=Kind.COUNT, share_of_previous=Kind.SHARE), tuple(rows), notes)


def outcomes() -> Table:
    found = (
        ("reliable_improvement", 152, 0.514, 0.601, 0.498, 0.612),
        ("recovery", 118, 0.452, 0.544, 0.446, 0.561),
        ("reliable_recovery", 109, 0.421, 0.512, 0.408, 0.533),
        ("no_reliable_change", 99, 0.42, 0.33, 0.31, 0.44),
    )
    of = {"recovery": 231, "reliable_recovery": 231}
    rows = [
        Row(key, (count(number), share(number, of.get(key, 268)), *(Cell(each) for each in others)))
        for key, number, *others in found
    ]
    rows.append(Row("reliable_deterioration", (SMALL,) * 6))
    kinds = columns(
        count=Kind.COUNT,
        share=Kind.SHARE,
        carried_forward=Kind.SHARE,
        modelled=Kind.SHARE,
        lowest=Kind.SHARE,
        highest=Kind.SHARE,
    )
    return Table("outcomes", kinds, tuple(rows), (Note("missing_rules_differ"), Note("definitions"), Note("composite")))


def effect() -> Table:
    rows = (
        Row("pre_post", (count(268), Cell(15.2), Cell(9.4), Cell(5.1), Cell(1.14, 1.01, 1.27, 268))),
        Row("severity_adjusted", (count(231), Cell(16.4), NOT_APPLICABLE, Cell(4.2), Cell(0.92, 0.78, 1.06, 231))),
    )
    kinds = columns(
        count=Kind.COUNT,
        mean_before=Kind.POINTS,
        mean_after=Kind.POINTS,
        sd_before=Kind.POINTS,
        effect=Kind.EFFECT,
    )
    level: dict[str, float | int | str] = {"level": 4, "source": "Ungsinn", "day": "2025-03-01"}
    return Table("effect", kinds, rows, (Note("uncontrolled"), Note("evidence_level", level), Note("evidence_unknown")))


def compared() -> Table:
    def row(key: str, here: float, there: float, half: float) -> Row:
        difference = round(here - there, 2)
        return Row(
            key,
            (count(231), Cell(here), Cell(there), Cell(difference, difference - half, difference + half, 231)),
        )

    rows = (
        row("expected", 6.4, 6.1, 0.7),
        row("natural_metapsy", 6.4, 3.1, 0.9),
        row("natural_wait_list", 6.4, 2.3, 0.9),
        row("natural_usual_care", 6.4, 3.6, 0.8),
        row("natural_own", 6.4, 2.9, 1.6),
        Row("natural_pmhc_usual_care", (count(231), Cell(6.4), UNKNOWN, UNKNOWN)),
        Row("added_value", (NOT_COMPARABLE,) * 4),
    )
    kinds = columns(count=Kind.COUNT, observed=Kind.POINTS, compared=Kind.POINTS, difference=Kind.POINTS)
    return Table("compared", kinds, rows, (Note("similar_people"), Note("natural_unknown"), Note("groups_only")))


def published() -> Table:
    rows = (
        Row("prompt_mental_health_care", (Cell(0.48), share(109, 231), Cell("comparable"))),
        Row("nhs_talking_therapies", (NOT_COMPARABLE, share(109, 231), Cell("other_missing_data_rule"))),
        Row("nhs:2024", (NOT_COMPARABLE, SMALL, Cell("other_definition")), label="NHS Talking Therapies 2024/25"),
        Row("trial:6", (NOT_COMPARABLE, SMALL, Cell("other_time_point")), label="Knapstad 2020, 6 md."),
        Row("youth", (NOT_COMPARABLE, SMALL, Cell("other_population")), label="Gibbons 2021"),
    )
    return Table("published", columns(published=Kind.SHARE, own=Kind.SHARE, state=Kind.CODE), rows)


GROUPS: dict[str, Sequence[tuple[str, str | None, int]]] = {
    "service": [("s1", "Rask psykisk helsehjelp", 131), ("s2", "Ungdomsteamet", 74), ("s3", "Familieteamet", 5)],
    "programme": [("p1", "Veiledet selvhjelp, nedstemthet", 92), ("p2", "Kognitiv terapi", 61), ("p3", "Kurs", 54)],
    "pathway": [("1", None, 150), ("2", None, 80), ("3", None, 38)],
    "sex": [("female", None, 171), ("male", None, 97), ("unknown", None, 4)],
    "age_band": [("16-24", None, 70), ("25-39", None, 98), ("40-66", None, 82), ("67+", None, 18), ("other", None, 3)],
    "baseline_third": [("lowest", None, 88), ("middle", None, 91), ("highest", None, 89)],
    "respondent": [("self", None, 221), ("parent", None, 38), ("teacher", None, 6), ("all", None, 268)],
    "language": [("nb", "Bokmål", 240), ("en", "Engelsk", 19), ("other", None, 9)],
    "problem_area": [("low_mood", None, 130), ("worry", None, 110), ("sleep", None, 44), ("grief", None, 3)],
    "period": [("2024", None, 80), ("2025", None, 92), ("2026", None, 96)],
}


def by(dimension: str) -> Table:
    rows = []
    for place, (key, label, paired) in enumerate(GROUPS[dimension]):
        if paired < 8:
            rows.append(Row(key, (SMALL,) * 7, label))
            continue
        better = round(paired * (0.61 - 0.06 * place))
        worse = share(round(0.05 * paired), paired) if paired > 160 else SMALL
        cells = (
            count(round(paired * 1.3)),
            share(paired, round(paired * 1.3)),
            share(better, paired),
            share(round(better * 0.8), paired),
            share(round(better * 0.7), paired),
            worse,
            Cell(0.9 + 0.1 * place, 0.7 + 0.1 * place, 1.1 + 0.1 * place, paired) if paired > 20 else UNRELIABLE,
        )
        rows.append(Row(key, cells, label))
    kinds = columns(
        ended=Kind.COUNT,
        paired=Kind.SHARE,
        reliable_improvement=Kind.SHARE,
        recovery=Kind.SHARE,
        reliable_recovery=Kind.SHARE,
        reliable_deterioration=Kind.SHARE,
        effect=Kind.EFFECT,
    )
    notes = (Note("groups_overlap"),) if dimension == "problem_area" else ()
    return Table(f"by_{dimension}", kinds, tuple(rows), notes)


def funnel(expected: Sequence[float] = (0.57,)) -> Table:
    found = (
        ("Rask psykisk helsehjelp", 131, 0.61),
        ("Ungdomsteamet", 74, 0.55),
        ("Familieteamet", 5, 0.6),
        ("Mestringssenteret", 41, 0.34),
        ("Psykisk helse, Nordbyen", 96, 0.58),
        ("Psykisk helse, Sørbyen", 88, 0.71),
        ("Kurs og grupper", 160, 0.54),
        ("Lavterskel, øyene", 22, 0.64),
    )
    rows = []
    for place, (name, number, observed) in enumerate(found):
        p0 = expected[place % len(expected)]
        half = [z * sqrt(1.4 * p0 * (1 - p0) / number) for z in (1.96, 3.09)]
        limits = [Cell(p0 + sign * each) for each in half for sign in (-1, 1)]
        shown = (count(number), Cell(observed, of=number), Cell(p0), *limits)
        rows.append(Row(f"s{place}", shown if number >= 8 else (SMALL,) * 7, name))
    kinds = columns(
        count=Kind.COUNT,
        share=Kind.SHARE,
        expected=Kind.SHARE,
        lower_95=Kind.SHARE,
        upper_95=Kind.SHARE,
        lower_998=Kind.SHARE,
        upper_998=Kind.SHARE,
    )
    return Table("funnel", kinds, tuple(rows), (Note("case_mix"), Note("over_dispersion", {"phi": 1.4})))


def therapists() -> Table:
    found = ((64, 0.9, 1.0), (58, -0.3, 1.1), (71, 0.2, 0.9), (9, None, None), (5, None, None), (83, -1.2, 0.9))
    names = ("Kari N.", "Per S.", "Anne L.", "Ola H.", "Siri B.", "Åse T.")
    rows = []
    for name, (number, estimate, half) in zip(names, found, strict=True):
        if estimate is None or half is None:
            cells = (count(number), UNRELIABLE) if number >= 8 else (SMALL, SMALL)
        else:
            cells = (count(number), Cell(estimate, estimate - half, estimate + half, number))
        rows.append(Row(name.lower(), cells, name))
    notes = (Note("no_ranking", {"cases": 50}),)
    return Table("therapists", columns(count=Kind.COUNT, estimate=Kind.POINTS), tuple(rows), notes)


def _course(strata: Iterable[tuple[str, int, float, int]]) -> Iterator[Row]:
    """Give made-up cumulative shares: from `hidden` sessions on, too few are left."""
    for name, people, pace, hidden in strata:
        for session in range(1, 53):
            key = f"{name}:{session}" if name else f"{session}"
            if session >= hidden:
                yield Row(key, (SMALL,) * 3)
                continue
            improved = 0.66 * (1 - 0.5 ** ((session / pace) ** 0.9))
            left = 0.27 * (1 - 0.5 ** (session / 6))
            half = 0.9 / sqrt(people) * sqrt(improved * (1 - improved) + 0.02)
            at_risk = round(people * (1 - improved - left) * 0.86 ** max(0, session - 4))
            cells = (
                count(max(at_risk, 8)),
                Cell(improved, max(0.0, improved - 2 * half), min(1.0, improved + 2 * half), people),
                Cell(left, max(0.0, left - half), left + half, people),
            )
            yield Row(key, cells)


def dose(key: str, strata: Iterable[tuple[str, int, float, int]]) -> Table:
    kinds = columns(at_risk=Kind.COUNT, improved=Kind.SHARE, dropped_out=Kind.SHARE)
    notes = (Note("competing_drop_out"), Note("landmarks")) if key == "dose" else ()
    return Table(key, kinds, tuple(_course(strata)), notes)


def responders() -> Table:
    rows = [Row(key, (count(n), share(n, 152))) for key, n in (("early", 88), ("linear", 30), ("late", 34))]
    return Table("responders", columns(count=Kind.COUNT, share=Kind.SHARE), (*rows, Row("none", (SMALL, SMALL))))


def good_enough() -> Table:
    found = ((1, 30, 25), (2, 34, 27), (3, 41, 31), (4, 44, 31), (6, 52, 33), (8, 47, 27), (12, 20, 9))
    rows = [Row(f"{sessions}", (count(n), share(k, n))) for sessions, n, k in found]
    kinds = columns(count=Kind.COUNT, good_enough=Kind.SHARE)
    return Table("good_enough", kinds, (*rows, Row("20", (SMALL, SMALL))), (Note("responsive_regulation"),))


def flow() -> tuple[Table, ...]:
    waits = columns(
        count=Kind.COUNT,
        median=Kind.DAYS,
        mean=Kind.DAYS,
        lower_quartile=Kind.DAYS,
        upper_quartile=Kind.DAYS,
    )
    counted = columns(count=Kind.COUNT, share=Kind.SHARE)
    phases = columns(count=Kind.COUNT, change=Kind.POINTS)
    return (
        Table(
            "waits",
            waits,
            (
                Row("to_first_session", (count(356), Cell(17), Cell(21.4), Cell(9.5), Cell(28))),
                Row("between_sessions", (count(1904), Cell(8), Cell(9.7), Cell(7), Cell(14))),
            ),
        ),
        Table(
            "attendance",
            counted,
            tuple(
                Row(key, (count(n), share(n, 2310)))
                for key, n in (("attended", 1904), ("cancelled", 278), ("no_show", 128))
            ),
        ),
        Table(
            "endings",
            counted,
            (
                *(
                    Row(key, (count(n), share(n, 412)))
                    for key, n in (
                        ("completed", 201),
                        ("agreed_early_end", 44),
                        ("dropped_out", 61),
                        ("referred_on", 27),
                        ("single_session", 38),
                        ("not_started", 33),
                    )
                ),
                Row("died", (SMALL, SMALL)),
            ),
            (Note("single_session_apart"),),
        ),
        Table(
            "drop_out",
            counted,
            tuple(
                Row(key, (count(n), share(n, 301)))
                for key, n in (("as_recorded", 61), ("before_planned_end", 96), ("without_improvement", 42))
            ),
        ),
        Table(
            "measuring",
            counted,
            tuple(
                Row(key, (count(n), share(n, 1904)))
                for key, n in (("with_measure", 1511), ("declined", 96), ("unable", 41), ("at_follow_up", 210))
            ),
        ),
        Table("follow_up", counted, (Row("followed_up", (count(74), share(74, 268))),)),
        Table(
            "phases",
            phases,
            (
                Row("waiting", (count(92), Cell(1.1, 0.3, 1.9, 92))),
                Row("treatment", (count(268), Cell(5.8, 5.2, 6.4, 268))),
                Row("follow_up", (count(74), Cell(-0.4, -1.3, 0.5, 74))),
            ),
            (Note("waiting_apart"),),
        ),
    )


def everything() -> Report:
    """The whole report."""
    return Report(
        "outcomes",
        (
            Fact("organisation", "Lyngvik kommune (demonstrasjon)"),
            Fact("service", "whole_organisation"),
            Fact("period", "2026"),
            Fact("measure", "PHQ-9"),
            Fact("respondent", "Forelder"),
            Fact("by", "sex"),
            Fact("of", "Kvinner"),
            Fact("programme", "Veiledet selvhjelp"),
            Fact("evidence_level", "evidence_unknown"),
            Fact("threshold", "8"),
            Fact("made_on", "5.1.2027"),
        ),
        (
            Note("by_closing_date"),
            Note("denominators"),
            Note("intervals"),
            Note("small_numbers", {"threshold": 8}),
            Note("rounded", {"step": 5}),
            Note("three_years"),
            Note("pooled", {"organisations": 3}),
        ),
        (
            Section("denominators", (denominators(),)),
            Section("outcomes", (outcomes(), effect())),
            Section("compared", (compared(), published())),
            Section("for_whom", (*map(by, GROUPS), funnel(), therapists())),
            Section(
                "dose",
                (
                    dose("dose", [("", 231, 5, 32)]),
                    dose("dose_by_third", [("lowest", 88, 4, 20), ("middle", 91, 5, 24), ("highest", 89, 7, 30)]),
                    dose("dose_by_interval", [("weekly", 120, 5, 40), ("fortnightly", 80, 7, 21), ("rarer", 40, 8, 9)]),
                    responders(),
                    good_enough(),
                ),
                (Note("responsive_regulation"),),
            ),
            Section("flow", flow()),
        ),
    )
