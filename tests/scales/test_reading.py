"""How a score is read for a patient: what is told of it, and what of it is not known or not confirmed."""

from __future__ import annotations

from app.scales.answers import ItemState, letters_of_states, states_of_letters
from app.scales.catalogue import instrument
from app.scales.change import ChangeCriteria
from app.scales.instrument import Band, Confidence, Cutoff, Subscale
from app.scales.norms import NoTReason, Sex
from app.scales.reading import ReadFor, Reading, read_score
from app.scales.sources import Source
from tests.scales.factories import SOURCE, a_form, a_missing_rule, a_subscale, an_instrument

SURE = Source("two sources", Confidence.A)


def read(subscale: Subscale, value: float | None, patient: ReadFor | None = None, *, prorated: bool = False) -> Reading:
    form = a_form(subscales=(subscale,))
    return read_score(an_instrument(forms=(form,)), form, subscale, value, patient or ReadFor(), prorated=prorated)


def test_without_a_score_only_what_is_not_published_is_told() -> None:
    subscale = a_subscale(not_found={"cutoff": SOURCE}, further_cutoffs=(Cutoff("upper", 5, SOURCE),))
    assert read(subscale, None) == Reading({}, {}, None, ("cutoff",), ())
    rcads = instrument("rcads-47")
    form = rcads.form("child")
    found = read_score(rcads, form, form.subscale("mdd"), None, ReadFor(Sex.MALE, 3), prorated=False)
    assert found.t is not None
    assert found.t.reason is NoTReason.NO_SCORE


def test_every_figure_that_was_not_confirmed_is_named() -> None:
    """The factories mark all their figures as not confirmed."""
    bands = (Band("low", 0, 4, SOURCE), Band("high", 5, 9, SOURCE))
    subscale = a_subscale(
        bands=bands,
        further_bands={"halves": bands},
        criteria=ChangeCriteria(0, 9, cutoff=5, reliable_change=3),
        sources={"range": SOURCE, "cutoff": SOURCE, "reliable_change": SOURCE},
        further_cutoffs=(
            Cutoff("upper", 7, SOURCE),
            Cutoff("harmful", 4, SOURCE, Sex.MALE),
            Cutoff("harmful", 3, SURE, Sex.FEMALE),
        ),
    )
    common = ("range", "cutoff", "reliable_change")
    assert read(subscale, 5, ReadFor(Sex.MALE)).unverified == (*common, "bands", "further_bands", "upper", "harmful")
    assert read(subscale, 5, ReadFor(Sex.FEMALE)).unverified == (*common, "bands", "further_bands", "upper")
    assert read(subscale, 5, prorated=True).unverified == (*common, "missing", "bands", "further_bands", "upper")


def test_what_was_confirmed_is_not_named() -> None:
    bands = (Band("low", 0, 4, SURE), Band("high", 5, 9, SURE))
    subscale = a_subscale(bands=bands, sources={"range": SURE}, missing=a_missing_rule(0))
    assert read(subscale, 5) == Reading({}, {}, None, (), ())


def test_item_states_are_kept_as_one_letter_each() -> None:
    states = (ItemState.ANSWERED, ItemState.BLANK, ItemState.DECLINED, ItemState.NOT_SHOWN, ItemState.ANSWERED)
    assert letters_of_states(states) == "abdna"
    assert states_of_letters("abdna") == states
