"""How a score is read: bands, cut-offs and norms for this patient, and what of it is not known or not confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.scales.instrument import Confidence, Form, Instrument, Subscale
from app.scales.norms import Sex, TScore


@dataclass(frozen=True, slots=True)
class ReadFor:
    """What must be known of a patient to read a score.

    Parameters
    ----------
    sex : Sex or None
        As norms tell it; None where it is not known.
    grade : int or None
        School grade in the country of the norms; None where it is not known.
    """

    sex: Sex | None = None
    grade: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a score means, beside its first set of bands.

    Parameters
    ----------
    further_bands : mapping of str to str or None
        Codes of the bands in the other ways of dividing the range.
    cutoffs : mapping of str to bool or None
        Whether each published cut-off is reached; None where that depends on a sex that is not known.
    t : TScore or None
        Where it lies in its norm group, or why that can't be told; None where the instrument has no norms.
    not_found : tuple of str
        What was looked for and is not published.
    unverified : tuple of str
        What of the reading rests on a figure that could not be confirmed.
    """

    further_bands: Mapping[str, str | None]
    cutoffs: Mapping[str, bool | None]
    t: TScore | None
    not_found: tuple[str, ...]
    unverified: tuple[str, ...]


def read_score(
    instrument: Instrument, form: Form, subscale: Subscale, value: float | None, patient: ReadFor, *, prorated: bool
) -> Reading:
    """Read a score.

    Parameters
    ----------
    instrument : Instrument
        What was answered.
    form : Form
        Its form.
    subscale : Subscale
        Which score it is.
    value : float or None
        Points; None where there is no score.
    patient : ReadFor
        Whose score it is.
    prorated : bool
        Whether it was scaled up from the answered items.

    Returns
    -------
    Reading
        Without a score, only what is not published is told, and why there is no T-score.
    """
    norms = instrument.norms
    t = None if norms is None else norms.t_score(form.key, subscale.key, value, patient.sex, patient.grade)
    not_found = tuple(subscale.not_found)
    if value is None:
        return Reading({}, {}, t, not_found, ())
    return Reading(
        further_bands=subscale.further_band_codes(value),
        cutoffs=subscale.cutoffs_reached(value, patient.sex),
        t=t,
        not_found=not_found,
        unverified=_unverified(subscale, patient.sex, prorated=prorated),
    )


def _unverified(subscale: Subscale, sex: Sex | None, *, prorated: bool) -> tuple[str, ...]:
    """Name what of a score rests on a figure that could not be confirmed."""
    figures = ("range", "cutoff", "reliable_change")
    rests_on = {name: [subscale.sources[name]] for name in figures if name in subscale.sources}
    rests_on |= {
        "missing": [subscale.missing.source] if prorated else [],
        "bands": [band.source for band in subscale.bands],
        "further_bands": [band.source for bands in subscale.further_bands.values() for band in bands],
        **{each.key: [each.source] for each in subscale.further_cutoffs if each.sex in (None, sex)},
    }
    return tuple(
        name
        for name, sources in rests_on.items()
        if any(source.confidence is Confidence.UNVERIFIED for source in sources)
    )
