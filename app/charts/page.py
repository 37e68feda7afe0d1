"""A chart as a page that everybody can read: the picture, what it says in sentences, and its scores as a table."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from app.charts import palette
from app.charts.charted import ChartedSeries
from app.charts.table import Table, table
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
    return described(svg, title(charted, language), description(charted, language), language)


def described(svg: str, heading: str, words: str, language: str) -> str:
    """Give a picture a title and a description in given words.

    Parameters
    ----------
    svg : str
        The picture as the renderer gave it, beginning with its root element.
    heading, words : str
        Its title, and what it shows in full sentences.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    str
        The same picture.
    """
    root, _, content = svg.partition(">")
    told = f'<title id="chart-title">{escape(heading)}</title><desc id="chart-description">{escape(words)}</desc>'
    named = f'{root} role="img" lang="{language}" aria-labelledby="chart-title" aria-describedby="chart-description">'
    return f"{named}{told}{content}"


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
    said = [*newest_verdict(charted, language), *notes(charted, language)]
    picture = with_words(svg, charted, language)
    caption = word(Word.AS_TABLE, language)
    return written_page(picture, title(charted, language), said, table(charted, language), caption, language)


def written_page(picture: str, heading: str, said: Iterable[str], twin: Table, caption: str, language: str) -> str:
    """Give a page of a picture, sentences and the table that says the same.

    Parameters
    ----------
    picture : str
        With title and description.
    heading : str
        The page's title and heading.
    said : iterable of str
        Sentences that stand above the picture.
    twin : Table
        What stands below it.
    caption : str
        What that is called.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    str
        The document.
    """
    heading = escape(heading)
    sentences = "".join(f"<p>{escape(each)}</p>\n" for each in said)
    head = _row(f'<th scope="col">{escape(name)}</th>' for name in twin.columns)
    body = "\n".join(
        _row([f'<th scope="row">{escape(first)}</th>', *(f"<td>{escape(cell)}</td>" for cell in others)])
        for first, *others in twin.rows
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
{picture}
</figure>
<table>
<caption>{escape(caption)}</caption>
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
