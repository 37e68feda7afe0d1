"""A chart as a page that everybody can read: the picture, what it says in sentences, and its scores as a table."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from app.charts import palette
from app.charts.charted import ChartedSeries
from app.charts.table import table
from app.charts.words import Word, description, newest_verdict, notes, title, word

_STYLE: Final = f"""
body {{ margin: 0; color: {palette.INK}; background: {palette.PAPER}; font: 1rem/1.5 {palette.FONT}; }}
main {{ max-width: 62rem; margin: 0 auto; padding: 1rem; }}
h1 {{ font-size: 1.4rem; }}
figure {{ margin: 0 0 1.5rem; overflow-x: auto; }}
svg {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
caption {{ text-align: left; font-weight: bold; padding-bottom: .4rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; }}
tr {{ border-bottom: 1px solid {palette.QUIET}; }}
tbody th {{ font-weight: normal; }}
"""


def with_words(svg: str, charted: ChartedSeries, language: str) -> str:
    """Give a picture its title and description, as assistive technology reads them.

    Parameters
    ----------
    svg : str
        The picture as the renderer gave it, beginning with its root element.
    charted : ChartedSeries
        What it shows.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    str
        The same picture.
    """
    root, _, content = svg.partition(">")
    words = (
        f'<title id="chart-title">{escape(title(charted, language))}</title>'
        f'<desc id="chart-description">{escape(description(charted, language))}</desc>'
    )
    named = f'{root} role="img" lang="{language}" aria-labelledby="chart-title" aria-describedby="chart-description">'
    return f"{named}{words}{content}"


def page(svg: str, charted: ChartedSeries, language: str) -> str:
    """Give a whole page in HTML, without anything from elsewhere.

    Parameters
    ----------
    svg : str
        The picture as the renderer gave it.
    charted : ChartedSeries
        What it shows.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    str
        The document.
    """
    heading = escape(title(charted, language))
    said = [*newest_verdict(charted, language), *notes(charted, language)]
    sentences = "".join(f"<p>{escape(each)}</p>\n" for each in said)
    scores = table(charted, language)
    head = _row(f'<th scope="col">{escape(name)}</th>' for name in scores.columns)
    body = "\n".join(
        _row([f'<th scope="row">{escape(first)}</th>', *(f"<td>{escape(cell)}</td>" for cell in others)])
        for first, *others in scores.rows
    )
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{sentences}<figure>
{with_words(svg, charted, language)}
</figure>
<table>
<caption>{escape(word(Word.AS_TABLE, language))}</caption>
<thead>
{head}
</thead>
<tbody>
{body}
</tbody>
</table>
</main>
</body>
</html>
"""


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"
