"""Norms: where a score lies among people of the same sex and school grade, as a T-score.

A T-score is exact, and printed as a whole number. Bands are judged on the exact one, so that 69.5 has a band, and what
is printed as ">80" is kept exact, since a change is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from math import floor
from types import MappingProxyType

from app.scales.sources import Source, require, require_key, require_unique


class Sex(StrEnum):
    """As norms tell it."""

    FEMALE = "female"
    MALE = "male"


class NoTReason(StrEnum):
    """Why there is no T-score."""

    NO_SCORE = "no_score"
    NO_NORMS = "no_norms"
    SEX_NOT_KNOWN = "sex_not_known"
    GRADE_NOT_KNOWN = "grade_not_known"
    GRADE_OUTSIDE_NORMS = "grade_outside_norms"


@dataclass(frozen=True, slots=True)
class Group:
    """Whose scores a norm was made of.

    Parameters
    ----------
    form : str
        Key of the form.
    sex : Sex
        Their sex.
    first_grade, last_grade : int
        School grades in the country of the norms, both included.
    """

    form: str
    sex: Sex
    first_grade: int
    last_grade: int


@dataclass(frozen=True, slots=True)
class Norm:
    """Mean and spread of one score in a group.

    Parameters
    ----------
    mean, sd : Fraction
        Points, exactly as published; the standard deviation is above 0.
    source : Source
        Where they were seen.
    """

    mean: Fraction
    sd: Fraction
    source: Source

    def __post_init__(self) -> None:
        require(self.sd > 0, "a standard deviation must be above 0")

    def t(self, score: Fraction) -> Fraction:
        """Give T = 50 + 10 (score - mean) / sd."""
        return 50 + 10 * (score - self.mean) / self.sd


@dataclass(frozen=True, slots=True)
class TBand:
    """A range of T-scores with a name of its own; it ends where the next begins.

    Parameters
    ----------
    code : str
        Code of the name; texts turn it into words.
    starts_at : int or None
        First T-score of the band; None for the lowest, which has no beginning.
    source : Source
        Where the limit was seen.
    """

    code: str
    starts_at: int | None
    source: Source

    def __post_init__(self) -> None:
        require_key(self.code)

    def has_begun(self, t: Fraction) -> bool:
        """Tell whether a T-score has reached the band."""
        return self.starts_at is None or t >= self.starts_at


@dataclass(frozen=True, slots=True)
class TScore:
    """Where a score lies in its norm group.

    Parameters
    ----------
    exact : float or None
        The T-score, neither rounded nor cut: what a change is computed from. None with the reason.
    printed : int or None
        As the tables print it: rounded half up.
    shown : str or None
        As it is shown: the printed one, or ">80" above the limit up to which the instrument's sheets show them.
    band : str or None
        Code of the band of the exact T-score.
    group : Group or None
        Whose norms they are.
    reason : NoTReason or None
        Why there is none; None where there is one.
    """

    exact: float | None
    printed: int | None
    shown: str | None
    band: str | None
    group: Group | None
    reason: NoTReason | None


@dataclass(frozen=True, slots=True)
class Norms:
    """The published norms of an instrument.

    Parameters
    ----------
    population : str
        Of whom they were made; shown with every T-score.
    norms : mapping
        From group and subscale to the norm. The groups of a form do not overlap.
    bands : tuple of TBand
        In rising order; the lowest has no beginning.
    shown_up_to : int
        Above this T-score none is printed.
    source : Source
        Where the rule and its bands were seen.
    """

    population: str
    norms: Mapping[tuple[Group, str], Norm] = field(hash=False)
    bands: tuple[TBand, ...]
    shown_up_to: int
    source: Source

    def __post_init__(self) -> None:
        require(bool(self.norms), "norms need at least one group")
        require(
            bool(self.bands) and self.bands[0].starts_at is None, "norms need bands, of which the lowest has no start"
        )
        starts = [band.starts_at for band in self.bands[1:] if band.starts_at is not None]
        require(len(starts) == len(self.bands) - 1 and starts == sorted(set(starts)), "the bands of norms must rise")
        require_unique((band.code for band in self.bands), "band of norms")
        taken = [(group.form, group.sex, grade) for group in self.groups for grade in _grades(group)]
        require(len(taken) == len(set(taken)), "the groups of a form must not overlap")
        keys = {group.form: {key for each, key in self.norms if each.form == group.form} for group in self.groups}
        complete = all((group, key) in self.norms for group in self.groups for key in keys[group.form])
        require(complete, "every group of a form needs norms for the same subscales")
        object.__setattr__(self, "norms", MappingProxyType(dict(self.norms)))

    @property
    def groups(self) -> tuple[Group, ...]:
        """Each group once, in the order in which they were given."""
        return tuple(dict.fromkeys(group for group, _ in self.norms))

    def t_score(
        self, form: str, subscale: str, score: float | Fraction | None, sex: Sex | None, grade: int | None
    ) -> TScore:
        """Give the T-score of a score.

        Parameters
        ----------
        form, subscale : str
            Keys.
        score : float, Fraction or None
            Points; None where there is no score.
        sex : Sex or None
            The patient's; None where it is not known.
        grade : int or None
            School grade in the country of the norms; None where it is not known.

        Returns
        -------
        TScore
            With the reason where there is none.
        """
        reason = self._reason(form, subscale, score, sex, grade)
        if reason is not None:
            return TScore(None, None, None, None, None, reason)
        assert score is not None, "without a score there is a reason"
        group = self._group(form, sex, grade)
        assert group is not None, "without a group there is a reason"
        exact = self.norms[group, subscale].t(Fraction(score))
        printed = floor(exact + Fraction(1, 2))
        shown = f">{self.shown_up_to}" if exact > self.shown_up_to else str(printed)
        band = next(each.code for each in reversed(self.bands) if each.has_begun(exact))
        return TScore(float(exact), printed, shown, band, group, None)

    def norm_of(self, form: str, subscale: str, sex: Sex | None, grade: int | None) -> Norm | None:
        """Give mean and spread of a score in somebody's group.

        Parameters
        ----------
        form, subscale : str
            Keys.
        sex : Sex or None
            The patient's; None where it is not known.
        grade : int or None
            School grade in the country of the norms; None where it is not known.

        Returns
        -------
        Norm or None
            None where there are no norms for the score, or the group can't be told.
        """
        group = self._group(form, sex, grade)
        return None if group is None else self.norms.get((group, subscale))

    def _group(self, form: str, sex: Sex | None, grade: int | None) -> Group | None:
        return next((each for each in self._of(form, sex) if grade in _grades(each)), None)

    def _of(self, form: str, sex: Sex | None) -> Iterable[Group]:
        return (each for each in self.groups if each.form == form and each.sex == sex)

    def _reason(self, form: str, subscale: str, score: object, sex: Sex | None, grade: int | None) -> NoTReason | None:
        """Give the first reason that applies: what could be mended comes last."""
        if all(group.form != form or key != subscale for group, key in self.norms):
            return NoTReason.NO_NORMS
        if score is None:
            return NoTReason.NO_SCORE
        if sex is None:
            return NoTReason.SEX_NOT_KNOWN
        if grade is None:
            return NoTReason.GRADE_NOT_KNOWN
        if all(grade not in _grades(each) for each in self._of(form, sex)):
            return NoTReason.GRADE_OUTSIDE_NORMS
        return None


def _grades(group: Group) -> range:
    return range(group.first_grade, group.last_grade + 1)
