"""First, last and change of each episode, by service, in polars; run by the Python that has it.

It takes a file of scores, how often, the reliable change, and the first day of the period and the first after it. The
scores are put into a file of columns first; reading that is part of what is measured, writing it is not.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl  # type: ignore[import-not-found]  # by the Python that has it


def pairs(scores: Path, reliable: int, first: date, end: date) -> Any:
    """Aggregate the pairs of first and last score of the episodes closed in the period."""
    improved = pl.col("fell") >= reliable
    return (
        pl.scan_parquet(scores)
        .filter(pl.col("closed") >= first, pl.col("closed") < end)
        .group_by("service_id", "episode_id")
        .agg(
            pl.col("score").sort_by("at").first().alias("first"),
            pl.col("score").sort_by("at").last().alias("last"),
            pl.len().alias("scores"),
        )
        .filter(pl.col("scores") > 1)
        .with_columns((pl.col("first") - pl.col("last")).alias("fell"))
        .group_by("service_id")
        .agg(
            pl.len(),
            pl.col("first").mean(),
            pl.col("last").mean(),
            pl.col("fell").mean(),
            improved.mean().alias("share"),
            improved.sum().alias("improved"),
        )
        .sort("service_id")
        .collect()
    )


def main() -> None:
    """Write what it found and took."""
    path, often, reliable, *period = sys.argv[1:]
    columns = Path(path).with_suffix(".parquet")
    pl.scan_csv(path, schema_overrides={"score": pl.Float64, "closed": pl.Date}).sink_parquet(columns)
    first, end = map(date.fromisoformat, period)
    seconds = []
    for _ in range(int(often)):
        began = time.perf_counter()
        found = pairs(columns, int(reliable), first, end)
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"version": pl.__version__, "seconds": seconds, "rows": found.rows()}))


if __name__ == "__main__":
    main()
