"""A chart as text for a web page, or as a picture for a document: the same bytes each time."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from missing_patterns.errors import ArgumentRefused
from missing_patterns.plots.canvas import describe, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FAMILY = "Arial, Helvetica, sans-serif"


def to_svg(ax: Axes, id_prefix: str, *, show_headline: bool = False) -> str:
    """Return the chart as an ``<svg>`` element to be put inside an HTML page.

    The text stays text (selectable, and read out by assistive technology); ``<title>`` holds the headline and
    ``<desc>`` the alt text; the width is that of the page. There is no style sheet, script, link or date in it.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes that a function of this module returned.
    id_prefix : str
        Put before every id, so that many charts can stand in one page: letters, digits, ``-`` and ``_``,
        beginning with a letter.
    show_headline : bool, default False
        Whether to draw the headline too. A page that prints the headline as text leaves it out here.

    Returns
    -------
    str
        The same for the same chart every time (on one machine: the layout depends on its fonts).

    Raises
    ------
    ArgumentRefused
        If the prefix cannot be part of an id, or the Axes were not drawn by this module.

    Examples
    --------
    >>> import pandas as pd
    >>> from missing_patterns import plots
    >>> table = pd.DataFrame({"label": ["Friends"], "share": [0.3]})
    >>> svg = to_svg(plots.bars(table, headline="Friends", alt="Friends 30%."), "triggers")
    >>> svg.startswith('<svg '), 'aria-labelledby="triggers-title triggers-desc"' in svg, "<desc" in svg
    (True, True, True)
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", id_prefix):
        raise ArgumentRefused("id_prefix must begin with a letter and hold only letters, digits, '-' and '_'.")
    words = describe(ax)
    buffer = io.StringIO()
    with style(), _headline(ax, show_headline) as figure:
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    body = buffer.getvalue()
    body = body[body.index("<svg") :]
    body = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.S)
    # Text cannot hold "<" or ">", so whatever stands between them is a tag: labels are never rewritten.
    body = re.sub(r"<[^<>]+>", lambda tag: _prefixed(tag.group(), id_prefix), body)
    opening = re.match(r"<svg[^<>]*>", body)
    view = re.search(r'viewBox="([^"]*)"', body)
    if opening is None or view is None:  # pragma: no cover - the writer has always given both
        raise ArgumentRefused("the chart could not be written as SVG.")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{view.group(1)}" width="100%" role="img" '
        f'aria-labelledby="{id_prefix}-title {id_prefix}-desc" '
        f'style="stroke-linejoin: round; stroke-linecap: butt">\n'
        f'<title id="{id_prefix}-title">{html.escape(words.headline)}</title>\n'
        f'<desc id="{id_prefix}-desc">{html.escape(words.alt)}</desc>'
    )
    lines = (head + body[opening.end() :]).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


def to_png(ax: Axes, dpi: int = 200, *, show_headline: bool = False) -> bytes:
    """Return the chart as a PNG picture, for a Word or Excel document.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes that a function of this module returned. Put ``describe(ax).alt`` beside the picture.
    dpi : int, default 200
        Dots per inch; the picture is 170 mm wide.
    show_headline : bool, default False
        Whether to draw the headline too. A document that prints the headline as text leaves it out here.

    Returns
    -------
    bytes

    Raises
    ------
    ArgumentRefused
        If the Axes were not drawn by this module.

    Examples
    --------
    >>> import pandas as pd
    >>> from missing_patterns import plots
    >>> table = pd.DataFrame({"label": ["Friends"], "share": [0.3]})
    >>> to_png(plots.bars(table, headline="Friends", alt="Friends 30%."), dpi=50)[1:4]
    b'PNG'
    """
    describe(ax)
    buffer = io.BytesIO()
    with style(), _headline(ax, show_headline) as figure:
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


@contextmanager
def _headline(ax: Axes, show: bool) -> Iterator[Figure]:
    figure: Figure = ax.figure.canvas.figure  # the whole figure, also when the Axes stand on a part of one
    title = getattr(ax, "_missing_patterns_title")  # noqa: B009
    title.set_visible(show)
    title.set_in_layout(show)
    try:
        yield figure
    finally:
        title.set_visible(True)
        title.set_in_layout(True)


def _prefixed(tag: str, prefix: str) -> str:
    tag = re.sub(r'(\sid=")', rf"\1{prefix}-", tag)
    tag = re.sub(r"url\(#", f"url(#{prefix}-", tag)
    tag = re.sub(r'(\b(?:xlink:)?href="#)', rf"\1{prefix}-", tag)
    # The page's readers have their own fonts; ours were only for measuring. Older matplotlib writes "font: 10px ...".
    return re.sub(r"(font-family: |font:[^;\"]*?px )[^;\"]*", rf"\1{_FAMILY}", tag)
