"""De-identified rows: what could tell who somebody is made coarser, until as many persons share it as must.

What is guaranteed, within one export: persons of at least the threshold share each combination of a frame (what is
never left out: year of closing, measure, informant role) and the quasi-identifiers as they are told. Persons are
counted, not rows, so that nobody hides among their own episodes.

What is guaranteed between exports of the same use and the same record: the generalisation of a row depends on the
rows of its own frame alone. An export of three years, or of all measures, tells of each row exactly what that of one
year and one measure tells, and nothing can be learnt by subtracting one from another.

What is not guaranteed: exports for different uses, or from before and after a change of the record or of a consent,
generalise anew, and rows of both can be matched by what they measure. The values measured (scores, sessions, days) are
told as they are: who knows some of them of a person may find the row. Persons who share a combination may also share an
outcome. So the rows are for analysts under a duty of confidence, and are not anonymous data.

Source: Samarati, P. & Sweeney, L. (1998), *Protecting privacy when disclosing information: k-anonymity and its
enforcement through generalization and suppression*, SRI-CSL-98-04; limits: Machanavajjhala, A. et al. (2007),
*l-diversity*, https://doi.org/10.1145/1217299.1217302.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from app.reports.rounding import rounded


class Quasi(NamedTuple):
    """What others may know of a person, in the order in which it is left out: the most identifying first.

    Where somebody went is known to those around them; how old they are and which language they speak, to those who
    know them a little; pathway and sex tell least apart.
    """

    service: str | None
    programme: str | None
    age_band: str | None
    language: str | None
    pathway: int | None
    sex: str | None


LEFT_OUT_IN_ORDER: Final = Quasi._fields

Person = TypeVar("Person", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Identified(Generic[Person]):
    """A row as the record has it.

    Parameters
    ----------
    person : Hashable
        Whose it is; it is counted and never told.
    frame : tuple of Hashable
        What is never left out: rows of different frames are protected apart from each other.
    quasi : Quasi
        What could tell who it is, as known.
    measured : tuple
        The rest, told as it is.
    """

    person: Person
    frame: tuple[Hashable, ...]
    quasi: Quasi
    measured: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Deidentified(Generic[Person]):
    """The rows that can be told, and how many could not.

    Parameters
    ----------
    rows : tuple of Identified
        With what is told of their quasi-identifiers, in the order in which they were given.
    left_out : int or None
        Rows that are not told, rounded to 5; None where they are of fewer persons than may be told, or there are none.
    """

    rows: tuple[Identified[Person], ...]
    left_out: int | None


def deidentify(rows: Sequence[Identified[Person]], threshold: int) -> Deidentified[Person]:
    """Leave out quasi-identifiers, and then rows, until each combination is shared by enough persons.

    Parameters
    ----------
    rows : sequence of Identified
        All that could be exported.
    threshold : int
        Persons who must share a combination, 1 or more.

    Returns
    -------
    Deidentified

    Notes
    -----
    Rows whose combination enough persons share are told with it. Of the others the first quasi-identifier is left
    out, those that now have enough among them are told, and so on, until none is left: what then is of fewer persons
    than the threshold is not told at all.

    Examples
    --------
    >>> quasi = Quasi("A", None, "18-24", "nb", 2, "female")
    >>> rows = [Identified(person, (2025,), quasi._replace(service=service), ())
    ...         for person, service in enumerate("AAB")]
    >>> [row.quasi.service for row in deidentify(rows, 2).rows], [row.quasi.service for row in deidentify(rows, 3).rows]
    (['A', 'A'], [None, None, None])
    """
    told: dict[int, Quasi] = {}
    left = list(range(len(rows)))
    for suppressed in range(len(LEFT_OUT_IN_ORDER) + 1):
        groups: dict[tuple[tuple[Hashable, ...], Quasi], list[int]] = defaultdict(list)
        for place in left:
            groups[rows[place].frame, _without(rows[place].quasi, suppressed)].append(place)
        left = []
        for (_, quasi), places in groups.items():
            if _persons(rows, places) >= threshold:
                told.update(dict.fromkeys(places, quasi))
            else:
                left += places
    kept = tuple(
        Identified(rows[place].person, rows[place].frame, told[place], rows[place].measured) for place in sorted(told)
    )
    enough = _persons(rows, left) >= threshold
    return Deidentified(kept, rounded(len(left)) if enough else None)


def _without(quasi: Quasi, suppressed: int) -> Quasi:
    """Leave out the first of them."""
    return quasi._replace(**dict.fromkeys(LEFT_OUT_IN_ORDER[:suppressed]))


def _persons(rows: Sequence[Identified[Person]], places: Sequence[int]) -> int:
    return len({rows[place].person for place in places})
