"""Norms check themselves, and a slip in their file is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from importlib.resources import files

import pytest

from app.errors import InstrumentDataError
from app.scales.catalogue import load_instrument
from app.scales.norms import Group, Norm, Norms, NoTReason, Sex, TBand
from tests.scales.factories import SOURCE, an_instrument

FOLDER = files("app.scales").joinpath("instruments")
YOUNG = Group("self", Sex.FEMALE, 3, 4)
MEAN_10_SD_4 = Norm(Fraction(10), Fraction(4), SOURCE)
BANDS = (TBand("normal", None, SOURCE), TBand("borderline", 65, SOURCE), TBand("clinical", 70, SOURCE))


def norms(by_group: Mapping[tuple[Group, str], Norm] | None = None, bands: tuple[TBand, ...] = BANDS) -> Norms:
    return Norms(
        "us_school_pupils", {(YOUNG, "total"): MEAN_10_SD_4} if by_group is None else by_group, bands, 80, SOURCE
    )


OLDER, OVERLAPPING = Group("self", Sex.FEMALE, 5, 6), Group("self", Sex.FEMALE, 4, 5)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Norm(Fraction(10), Fraction(0), SOURCE), "must be above 0"),
        (lambda: norms({}), "at least one group"),
        (lambda: norms(bands=()), "the lowest has no start"),
        (lambda: norms(bands=BANDS[1:]), "the lowest has no start"),
        (lambda: norms(bands=(BANDS[0], BANDS[2], BANDS[1])), "the bands of norms must rise"),
        (lambda: norms(bands=(BANDS[0], TBand("lower", None, SOURCE))), "the bands of norms must rise"),
        (lambda: norms(bands=(BANDS[0], TBand("normal", 65, SOURCE))), "each band of norms may occur only once"),
        (lambda: TBand("Normal", None, SOURCE), "lower case"),
        (lambda: norms({(YOUNG, "total"): MEAN_10_SD_4, (OVERLAPPING, "total"): MEAN_10_SD_4}), "must not overlap"),
        (lambda: norms({(YOUNG, "total"): MEAN_10_SD_4, (OLDER, "other"): MEAN_10_SD_4}), "for the same subscales"),
        (lambda: an_instrument(norms=norms({(YOUNG, "other"): MEAN_10_SD_4})), "of a form and a subscale"),
        (
            lambda: an_instrument(norms=norms({(Group("parent", Sex.MALE, 3, 4), "total"): MEAN_10_SD_4})),
            "of a form and a subscale",
        ),
    ],
)
def test_a_broken_rule_is_named(make: Callable[[], object], rule: str) -> None:
    with pytest.raises(InstrumentDataError, match=rule):
        make()


def test_a_standard_deviation_may_be_below_one() -> None:
    # 50 + 10 x (2 - 1) / .5
    assert Norm(Fraction(1), Fraction(1, 2), SOURCE).t(Fraction(2)) == 70


@pytest.mark.parametrize(
    ("points", "exact", "printed", "shown", "band"),
    [
        # 50 + 10 x (points - 10) / 4
        (10, 50.0, 50, "50", "normal"),
        (0, 25.0, 25, "25", "normal"),
        (15.9, 64.75, 65, "65", "normal"),
        (16, 65.0, 65, "65", "borderline"),
        (17.8, 69.5, 70, "70", "borderline"),
        (18, 70.0, 70, "70", "clinical"),
        (21.8, 79.5, 80, "80", "clinical"),
        (22, 80.0, 80, "80", "clinical"),
        (22.2, 80.5, 81, ">80", "clinical"),
        (27, 92.5, 93, ">80", "clinical"),
    ],
)
def test_t_scores_by_hand(points: float, exact: float, printed: int, shown: str, band: str) -> None:
    found = norms().t_score("self", "total", Fraction(str(points)), Sex.FEMALE, 3)
    assert (found.exact, found.printed, found.shown, found.band) == (exact, printed, shown, band)
    assert (found.group, found.reason) == (YOUNG, None)


def test_what_could_be_mended_is_told_last() -> None:
    asked = norms().t_score
    assert asked("self", "other", None, None, None).reason is NoTReason.NO_NORMS
    assert asked("parent", "total", None, None, None).reason is NoTReason.NO_NORMS
    assert asked("self", "total", None, None, None).reason is NoTReason.NO_SCORE
    assert asked("self", "total", 10, None, None).reason is NoTReason.SEX_NOT_KNOWN
    assert asked("self", "total", 10, Sex.FEMALE, None).reason is NoTReason.GRADE_NOT_KNOWN
    assert asked("self", "total", 10, Sex.FEMALE, 5).reason is NoTReason.GRADE_OUTSIDE_NORMS
    assert asked("self", "total", 10, Sex.MALE, 3).reason is NoTReason.GRADE_OUTSIDE_NORMS
    assert asked("self", "total", 10, Sex.FEMALE, 4).reason is None


def read(name: str) -> str:
    return FOLDER.joinpath(name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("form,sex", "sex,form", "the columns of norms must be: form, sex, first_grade"),
        ("child,male,3,4,depression", "child,boy,3,4,depression", "row 2 of the norms: 'boy' is not a valid Sex"),
        ("child,male,3,4,depression", "child,male,3,x,depression", "row 2 of the norms: invalid literal for int"),
        ("9.9,4.93", "9;9,4.93", "row 2 of the norms: Invalid literal for Fraction"),
        ("child,male,3,4,anxiety", "child,male,3,4,depression", "row 3 of the norms is there already"),
        ("norms_child\n", "norms_kid\n", "there is no source norms_kid"),
    ],
)
def test_a_slip_in_the_file_is_named(old: str, new: str, rule: str) -> None:
    table = read("norms/rcads-25.csv")
    assert old in table
    with pytest.raises(InstrumentDataError, match=rule):
        load_instrument(read("rcads-25.toml"), "rcads-25.toml", lambda _: table.replace(old, new, 1))


def test_a_file_of_norms_has_to_be_there() -> None:
    with pytest.raises(
        InstrumentDataError, match=r"rcads-25.toml: norms: there is no file norms/rcads-25.csv beside it"
    ):
        load_instrument(read("rcads-25.toml"), "rcads-25.toml")


@pytest.mark.parametrize(
    ("form", "subscale", "sex", "grade", "found"),
    [
        ("self", "total", Sex.FEMALE, 3, MEAN_10_SD_4),
        ("self", "total", Sex.FEMALE, 4, MEAN_10_SD_4),
        ("self", "total", Sex.FEMALE, 5, None),
        ("self", "total", Sex.FEMALE, None, None),
        ("self", "total", Sex.MALE, 3, None),
        ("self", "total", None, 3, None),
        ("self", "other", Sex.FEMALE, 3, None),
        ("parent", "total", Sex.FEMALE, 3, None),
    ],
)
def test_somebody_has_the_norm_of_their_own_group_or_none(
    form: str, subscale: str, sex: Sex | None, grade: int | None, found: Norm | None
) -> None:
    assert norms().norm_of(form, subscale, sex, grade) == found
