"""What a positive critical answer asks for (design, section 4.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.scales.risk import RiskDuty, risk_duty


@pytest.mark.parametrize(
    ("code", "previous_code", "days", "duty"),
    [
        # New, or higher than last time: the same day, whatever was assessed.
        (1, None, None, RiskDuty.SAME_DAY),
        (1, None, 0, RiskDuty.SAME_DAY),
        (1, 0, 1, RiskDuty.SAME_DAY),
        (2, 1, 1, RiskDuty.SAME_DAY),
        # Unchanged and assessed within 14 days: shown, no new duty.
        (1, 1, 0, RiskDuty.SHOWN),
        (1, 1, 14, RiskDuty.SHOWN),
        (1, 1, 15, RiskDuty.SAME_DAY),
        (1, 1, None, RiskDuty.SAME_DAY),
        # Lower, but still positive: as unchanged.
        (1, 3, 14, RiskDuty.SHOWN),
        (1, 3, None, RiskDuty.SAME_DAY),
    ],
)
def test_duty(code: int, previous_code: int | None, days: int | None, duty: RiskDuty) -> None:
    assert risk_duty(code, previous_code, None if days is None else timedelta(days=days)) is duty
