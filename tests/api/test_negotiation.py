"""Which form a caller wants. Expected values: RFC 9110, sections 12.4.2 and 12.5.1, and what browsers send."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.negotiation import chosen
from app.errors import NotAcceptable

JSON, SVG, PNG, HTML = OFFERED = ("application/json", "image/svg+xml", "image/png", "text/html")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        # Nothing said, or nothing in particular
        (None, JSON),
        ("", JSON),
        ("  ", JSON),
        ("*/*", JSON),
        ("*/*;q=0.1", JSON),
        # One
        ("image/svg+xml", SVG),
        ("IMAGE/PNG", PNG),
        ("image/*", SVG),
        ("text/*", HTML),
        ("application/json; charset=utf-8", JSON),
        # Qualities
        ("image/png;q=0.5, text/html;q=0.8", HTML),
        ("image/png;q=0.001", PNG),
        ("image/png ; Q=0.9 , application/json;q=0.2", PNG),
        ("text/html;level=1;q=0.4, image/png;q=0.5", PNG),
        # The most specific range counts, wherever it stands
        ("image/*;q=0.9, image/svg+xml;q=0.1", PNG),
        ("image/svg+xml;q=0.1, image/*;q=0.9", PNG),
        ("*/*, application/json;q=0", SVG),
        ("*/*;q=0.5, image/*;q=0.6, image/svg+xml;q=0", PNG),
        # Equal: what is offered first
        ("text/html, image/png", PNG),
        ("text/html, image/png, application/json", JSON),
        # Named twice: the higher
        ("image/png;q=0.1, text/html;q=0.5, image/png;q=0.9", PNG),
        # What Chromium and Firefox send for a page and for a picture
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
            "application/signed-exchange;v=b3;q=0.7",
            HTML,
        ),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", SVG),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", SVG),
        # Malformed elements are passed over
        ("image/png;q=2, text/html;q=0.1", HTML),
        ("image/png;q=-1, text/html;q=0.1", HTML),
        ("image/png;q=, text/html;q=0.1", HTML),
        ("image, text/html;q=0.1", HTML),
        ("*/png, text/html;q=0.1", HTML),
        ("image/png/x, text/html;q=0.1", HTML),
        (",, text/html ,", HTML),
    ],
)
def test_the_form_that_is_wanted_most(accept: str | None, media_type: str) -> None:
    assert chosen(accept, OFFERED) == media_type


@pytest.mark.parametrize(
    "accept",
    ["text/plain", "image/webp", "*/*;q=0", "application/json;q=0", "text/html;q=0.0", "nonsense", "image/\xe9"],
)
def test_who_wants_none_of_them_is_told_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        chosen(accept, OFFERED)
    assert refused.value.allowed == "application/json, image/svg+xml, image/png, text/html"
    assert "nonsense" not in refused.value.detail


ranges = st.sampled_from([*OFFERED, "image/*", "text/*", "application/*", "*/*", "text/plain"])


@given(st.lists(st.tuples(ranges, st.integers(0, 1000)), min_size=1, max_size=6))
def test_no_other_form_is_wanted_more(elements: list[tuple[str, int]]) -> None:
    accept = ", ".join(f"{each};q={quality / 1000:.3f}" for each, quality in elements)

    def wanted(media_type: str) -> int:
        for fitting in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
            said = [quality for each, quality in elements if each == fitting]
            if said:
                return max(said)
        return 0

    most = max(map(wanted, OFFERED))
    if most == 0:
        with pytest.raises(NotAcceptable):
            chosen(accept, OFFERED)
    else:
        assert chosen(accept, OFFERED) == next(each for each in OFFERED if wanted(each) == most)


@given(st.text(max_size=40))
def test_whatever_comes_is_answered_or_refused(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert chosen(accept, OFFERED) in OFFERED
