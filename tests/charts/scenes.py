"""What the renderer makes of a specification: its texts, with the room that each takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import vl_convert

# Widths in thousandths of the size: Helvetica's, which Liberation Sans and Arial keep (Adobe's font metrics, 1990).
_WIDTHS = {
    **dict.fromkeys("ijl", 222),
    **dict.fromkeys(" !,./:;ftI", 278),
    **dict.fromkeys("()-r", 333),
    **dict.fromkeys("cksvxyzJ", 500),
    **dict.fromkeys("abdeghnopquåL0123456789", 556),
    **dict.fromkeys("FTZø", 611),
    **dict.fromkeys("ABEKPSVXYÅ", 667),
    **dict.fromkeys("CDHNRUw", 722),
    **dict.fromkeys("GOQØ", 778),
    **dict.fromkeys("mM", 833),
    "\N{MINUS SIGN}": 584,
    "\N{EN DASH}": 556,
    "\N{NO-BREAK SPACE}": 278,
    "%": 889,
    "æ": 889,
    "è": 556,
    "é": 556,
    "W": 944,
}


def width(words: str, size: float) -> float:
    """Give the width of a text in Liberation Sans, pixels."""
    return size * sum(_WIDTHS[each] for each in words) / 1000


@dataclass(frozen=True)
class Text:
    """A text in a picture, and the pixels that it takes, from the field's upper left corner."""

    words: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Text) -> bool:
        """Tell whether two texts lie over each other."""
        across = min(self.right, other.right) - max(self.left, other.left)
        return across > 0 and min(self.bottom, other.bottom) - max(self.top, other.top) > 0


def texts_of(spec: dict[str, Any]) -> list[Text]:
    """Give the texts of a picture; the halo of a text is not one of its own."""
    scene = vl_convert.vegalite_to_scenegraph(spec, vl_version="6.4", allowed_base_urls=[])["scenegraph"]
    return list(_texts(scene, 0, 0))


def _texts(node: dict[str, Any], x: float, y: float) -> Iterator[Text]:
    for item in node.get("items", ()):
        if node["marktype"] == "group":
            for inner in item.get("items", ()):
                yield from _texts(inner, x + item.get("x", 0), y + item.get("y", 0))
        elif node["marktype"] == "text" and "strokeWidth" not in item:
            lines = item["text"] if isinstance(item["text"], list) else [item["text"]]
            for number, line in enumerate(lines):
                below = number * item.get("lineHeight", 0)
                yield _placed(str(line), item, x + item.get("x", 0), y + item.get("y", 0) + below)


def _placed(words: str, item: dict[str, Any], x: float, y: float) -> Text:
    size = item["fontSize"]
    # From the top of a capital to the foot of a comma.
    long, high = width(words, size) * (1.08 if item.get("fontWeight") == "bold" else 1), 0.9 * size
    x, y = x + item.get("dx", 0), y + item.get("dy", 0)
    left = x - {"left": 0.0, "center": long / 2, "right": long}[item.get("align", "left")]
    top = y - {"top": 0.0, "middle": high / 2}.get(item.get("baseline", "alphabetic"), 0.75 * size)
    if item.get("angle"):
        return Text(words, x - high / 2, y - long / 2, x + high / 2, y + long / 2)
    return Text(words, left, top, left + long, top + high)
