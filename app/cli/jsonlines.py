"""Answers of commands: one JSON document a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def print_json(told: Any) -> None:
    """Print a document; a number that JSON can't hold, which is one that is not known, is null."""
    print(json.dumps(_known(told), ensure_ascii=False, allow_nan=False))


def _known(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {str(name): _known(each) for name, each in told.items()}
    if isinstance(told, list | tuple):
        return [_known(each) for each in told]
    if isinstance(told, float) and not math.isfinite(told):
        return None
    return told
