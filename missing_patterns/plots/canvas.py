"""What every chart shares: the look, the headline and alt text, and how withheld values are read."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec

import pandas as pd

from missing_patterns.errors import ArgumentRefused

if TYPE_CHECKING:
    from matplotlib.axes import Axes

P = ParamSpec("P")

#: Categorical colours of the Government Analysis Function; each has at least 3:1 contrast on white.
PALETTE = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
BLUE, TEAL, PLUM, ORANGE, DARK, LILAC = PALETTE
#: The same hues dark enough for words: at least 4.5:1 on white (WCAG 2.2, 1.4.3).
PALETTE_TEXT = ("#12436D", "#1A6F68", "#801650", "#A8420F", "#3D3D3D", "#6F4EA8")
INK = "#0B0C0C"
GREY = "#595959"  # 7:1 on white: readable as small text
FAINT = "#D9D9D9"
BAND = 0.16  # opacity of an interval band

WIDTH_INCHES = 170 / 25.4  # the text width of an A4 page with 20 mm margins

_RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Liberation Sans", "Helvetica", "DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a label is a dollar sign
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.facecolor": "white",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "butt",
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "missing_patterns",
    "path.simplify": False,
}


@dataclass(frozen=True, slots=True)
class ChartText:
    """What a chart says in words, and the table that it was drawn from.

    Parameters
    ----------
    headline : str
        The finding, in one line.
    alt : str
        What a reader who cannot see the chart needs to know.
    table : DataFrame
        The treated table, as given to the chart function.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> ChartText("Two in five", "A bar.", pd.DataFrame({"n": [5]}))
    ChartText(headline='Two in five', alt='A bar.')
    """

    headline: str
    alt: str
    table: pd.DataFrame = field(repr=False)


@contextmanager
def style() -> Iterator[None]:
    """Use the look of these charts for what is drawn inside a ``with`` block.

    Colours and layout follow the Government Analysis Function's guidance on charts; matplotlib's own
    settings are put back afterwards.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import matplotlib
    >>> before = matplotlib.rcParams["svg.fonttype"]
    >>> with style():
    ...     inside = matplotlib.rcParams["svg.fonttype"]
    >>> inside, matplotlib.rcParams["svg.fonttype"] == before
    ('none', True)
    """
    import matplotlib as mpl

    settings: Any = _RC  # matplotlib names every key in its types
    with mpl.rc_context(settings):
        yield


def styled(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Draw a chart inside :func:`style`: what is made there keeps the look.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> styled(lambda: Figure().subplots())().title.get_parse_math()
    False
    """

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Axes:
        with style():
            return draw(*args, **kwargs)

    return inside


def describe(ax: Axes) -> ChartText:
    """Return the headline, alt text and table that a chart of this module carries.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes that a function of this module returned.

    Returns
    -------
    ChartText

    Raises
    ------
    ArgumentRefused
        If the Axes were not drawn by this module: a chart without words is refused.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> describe(Figure().subplots())
    Traceback (most recent call last):
    missing_patterns.errors.ArgumentRefused: this chart has no headline and alt text: it was not drawn by plots.
    """
    text = getattr(ax, "_missing_patterns_text", None)
    if not isinstance(text, ChartText):
        raise ArgumentRefused("this chart has no headline and alt text: it was not drawn by plots.")
    return text


def begin(table: pd.DataFrame, headline: str, alt: str, ax: Axes | None, height: float) -> Axes:
    """Return Axes that carry their words, on a figure of report width when none are given.

    Raises
    ------
    ArgumentRefused
        If the headline or the alt text is empty.

    Examples
    --------
    >>> ax = begin(pd.DataFrame(), "A finding", "What is seen.", None, 3.0)
    >>> ax.figure.get_suptitle()
    'A finding'
    """
    from matplotlib.figure import Figure

    for name, words in (("headline", headline), ("alt", alt)):
        if not isinstance(words, str) or not words.strip():
            raise ArgumentRefused(f"{name} must be text: every chart says in words what it shows.")
    if ax is None:
        # A bare Figure, not pyplot: no window, no back-end, nothing kept alive after the caller lets go.
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        ax = figure.subplots()
        # From the left edge of the figure: beside long names there would be no room over the axes.
        title = "\n".join(textwrap.wrap(headline, 76))
        drawn = figure.suptitle(title, x=0.008, ha="left", fontsize=_RC["axes.titlesize"], fontweight="bold")
    else:
        drawn = ax.set_title("\n".join(textwrap.wrap(headline, 60)), loc="left")
    ax.tick_params(length=0)
    setattr(ax, "_missing_patterns_title", drawn)  # noqa: B010
    setattr(ax, "_missing_patterns_text", ChartText(headline, alt, table.copy()))  # noqa: B010
    return ax


def nothing_to_show(ax: Axes, words: str = "Nothing can be shown here: too few children.") -> None:
    """Write why a chart is empty, in place of axes.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> ax = begin(pd.DataFrame(), "A finding", "What is seen.", None, 2.0)
    >>> nothing_to_show(ax)
    >>> ax.texts[0].get_text()
    'Nothing can be shown here: too few children.'
    """
    from matplotlib.figure import SubFigure

    ax.set_axis_off()
    if len(ax.figure.axes) == 1 and not isinstance(ax.figure, SubFigure):
        ax.figure.set_size_inches(WIDTH_INCHES, 0.9)
    ax.text(0.0, 0.5, words, transform=ax.transAxes, color=GREY, va="center")


def note(ax: Axes, *words: str, below: float = 4.0) -> None:
    """Write small lines below the chart, such as what ``c`` means; empty ones are left out.

    Parameters
    ----------
    ax : matplotlib Axes
    *words : str
        One line each.
    below : float, default 4
        Distance from the axes in points, to clear the labels of the axis.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> ax = begin(pd.DataFrame(), "A finding", "What is seen.", None, 2.0)
    >>> note(ax, "c = withheld", "")
    >>> [t.get_text() for t in ax.texts]
    ['c = withheld']
    """
    for i, line in enumerate(w for w in words if w):
        ax.annotate(
            line,
            xy=(0, 0),
            xycoords="axes fraction",
            xytext=(0, -below - 12.5 * i),
            textcoords="offset points",
            fontsize=9,
            color=GREY,
            va="top",
        )
