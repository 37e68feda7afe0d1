"""What a positive critical answer asks of the service: rule-based, and never gated by anything else."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

ASSESSMENT_HOLDS = timedelta(days=14)
"""How long an assessment of an unchanged answer holds (design, section 4.1)."""


class RiskDuty(StrEnum):
    """What a positive critical answer asks for."""

    SAME_DAY = "same_day"
    SHOWN = "shown"


def risk_duty(code: int, previous_code: int | None, since_assessment: timedelta | None) -> RiskDuty:
    """Tell what a positive critical answer asks for.

    Parameters
    ----------
    code : int
        The positive answer.
    previous_code : int or None
        What was answered to the item last time; None if it was not answered before.
    since_assessment : timedelta or None
        Time since somebody last assessed such an answer of this patient; None if nobody has.

    Returns
    -------
    RiskDuty
        Same-day contact when the answer is new or higher, or when an unchanged or lower one was not assessed
        within 14 days; otherwise it is shown without a new duty.

    Notes
    -----
    Design, section 4.1. A lower but still positive answer is treated as an unchanged one.

    Examples
    --------
    >>> risk_duty(1, previous_code=0, since_assessment=None)
    <RiskDuty.SAME_DAY: 'same_day'>
    >>> risk_duty(1, previous_code=1, since_assessment=timedelta(days=7))
    <RiskDuty.SHOWN: 'shown'>
    """
    if previous_code is None or code > previous_code:
        return RiskDuty.SAME_DAY
    if since_assessment is None or since_assessment > ASSESSMENT_HOLDS:
        return RiskDuty.SAME_DAY
    return RiskDuty.SHOWN
