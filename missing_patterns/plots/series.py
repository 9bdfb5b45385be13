"""Charts over time or along a share: the run chart, the step curve and the Lorenz curve."""

# ruff: noqa: PLR0913 - a chart has many named options, all keyword-only
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from missing_patterns.plots.canvas import (
    BAND,
    BLUE,
    DARK,
    GREY,
    INK,
    ORANGE,
    PALETTE,
    PALETTE_TEXT,
    begin,
    note,
    nothing_to_show,
    styled,
)
from missing_patterns.plots.values import columns_of, is_withheld, numbers, optional, shown, spread, withheld_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = np.ndarray[Any, np.dtype[np.float64]]

#: Line styles, so that curves can be told apart without colour.
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (9, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@styled
def run_chart(
    table: pd.DataFrame,
    *,
    headline: str,
    alt: str,
    ax: Axes | None = None,
    x: str = "month",
    y: str = "n_children",
    y_label: str = "Children",
    mean: str = "mean",
    lower: str = "lower",
    upper: str = "upper",
    marks: str = "signal",
) -> Axes:
    """Draw a monthly count as a line, with its mean and the limits of its usual range.

    Parameters
    ----------
    table : DataFrame
        Treated; one row per month, in order. A withheld month is a gap with the letter ``c``.
    headline, alt : str
        The finding in one line, and what a reader who cannot see the chart needs to know.
    ax : matplotlib Axes, optional
        Where to draw; None makes a figure of report width.
    x, y : str
        Columns with the month (``"2026-10"``) and the count.
    y_label : str
        What is counted.
    mean, lower, upper : str
        Columns with the centre line and the limits; those that the table lacks are not drawn.
    marks : str
        Column that is filled (true, or text other than "none") where a month is signalled; such months get an orange
        square.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentRefused
        If ``headline`` or ``alt`` is empty, a column is absent, or a value is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"month": ["2026-08", "2026-09", "2026-10"], "n_children": [31, "c", 40]})
    >>> ax = run_chart(table, headline="More children in October", alt="31 in August, withheld, 40 in October.")
    >>> [t.get_text() for t in ax.texts if t.get_text() == "c"]
    ['c']
    """
    columns_of(table, x, y)
    ax = begin(table, headline, alt, ax, 3.3)
    count = numbers(table[y])
    at = np.arange(len(count), dtype=float)
    if not np.isfinite(count).any():
        nothing_to_show(ax)
        return ax
    lines = {c: numbers(table[c]) for c in (mean, lower, upper) if optional(table, c)}
    highest = max(float(np.nanmax(v)) for v in (count, *lines.values()) if np.isfinite(v).any())
    ax.set(xlim=(-0.5, len(at) - 0.5), ylim=(0, highest * 1.12 or 1.0))
    ax.yaxis.set_major_locator(_few_whole_steps())
    ax.grid(axis="y")
    if lower in lines and upper in lines:
        ax.fill_between(at, lines[lower], lines[upper], step="mid", color=GREY, alpha=0.11, linewidth=0)
    labels = []
    for column, dash, words in (
        (upper, (0, (2, 2)), "Upper limit"),
        (mean, "-", "Mean"),
        (lower, (0, (2, 2)), "Lower limit"),
    ):
        if column in lines and np.isfinite(lines[column]).any():
            ax.plot(at, lines[column], color=GREY, linewidth=1, linestyle=dash, drawstyle="steps-mid")
            last = float(lines[column][np.isfinite(lines[column])][-1])
            labels.append((last, f"{words} {shown(round(last, 1))}", GREY, "normal"))
    ax.plot(at, count, color=BLUE, marker="o", markersize=4)
    signalled = _signalled(table, marks) & np.isfinite(count)
    if signalled.any():
        ax.plot(at[signalled], count[signalled], "s", color=ORANGE, markersize=8, markeredgecolor=INK, zorder=4)
    if np.isfinite(count[-1]):
        labels.append((float(count[-1]), shown(count[-1]), BLUE, "bold"))
    _label_right(ax, labels)
    for place in at[[is_withheld(v) for v in table[y]]]:
        ax.text(place, 0, "c", color=GREY, ha="center", va="bottom", fontweight="bold")
    _month_ticks(ax, [str(m) for m in table[x]])
    ax.set_ylabel(y_label)
    words = "Square: outside the usual ups and downs" if signalled.any() else ""
    note(ax, words, withheld_note(table[y]), below=34)
    return ax


@styled
def step_curve(
    table: pd.DataFrame,
    *,
    headline: str,
    alt: str,
    ax: Axes | None = None,
    x: str = "days",
    y: str = "share_again",
    lower: str | None = "lower",
    upper: str | None = "upper",
    by: str | None = None,
    percent: bool = True,
    x_label: str = "Days since return",
    y_label: str = "Share gone again",
    marks: Sequence[float] = (),
) -> Axes:
    """Draw one or more rising step curves, each with its band of uncertainty and its name at its end.

    Parameters
    ----------
    table : DataFrame
        Treated by ``disclosure.treat_curve``; one row per published step, in order of ``x`` within each curve.
    headline, alt, ax
        As in :func:`run_chart`.
    x, y : str
        Columns with the time and the height of the curve from that time on.
    lower, upper : str or None
        Columns with the band; not drawn when absent.
    by : str, optional
        Column that names the curve of each row; None is one curve.
    percent : bool, default True
        Whether the height is a share.
    x_label, y_label : str
        Axis labels.
    marks : sequence of float
        Times at which the height is written on the chart. Used only where there is a single curve.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentRefused
        If ``headline`` or ``alt`` is empty, a column is absent, or a value is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"days": [0, 7, 28], "share_again": [0.0, 0.2, 0.31]})
    >>> ax = step_curve(table, headline="31% within 28 days", alt="Rises to 31% at 28 days.", marks=(28,))
    >>> ax.texts[0].get_text()
    '28 days: 31%'
    """
    columns_of(table, x, y, by)
    ax = begin(table, headline, alt, ax, 3.5)
    curves = _curves(table, x, y, optional(table, lower), optional(table, upper), by)
    if not curves:
        nothing_to_show(ax)
        return ax
    right = max(float(c[1][-1]) for c in curves)
    top = max(float(np.nanmax(c[4])) for c in curves)
    ax.set(xlim=(0, right * 1.03 or 1.0), ylim=(0, min(top * 1.1, 1.0) if percent else top * 1.1 or 1.0))
    ax.set(xlabel=x_label, ylabel=y_label)
    ax.grid(axis="y")
    if percent:
        ax.yaxis.set_major_formatter(lambda value, _: shown(value, percent=True))
    labels = []
    for i, (name, time, height, low, high) in enumerate(curves):
        colour = PALETTE[i % len(PALETTE)]
        # The last step is drawn a little way on, or it could not be seen.
        on = [*time, time[-1] + right * 0.03]
        band = [*low, low[-1]], [*high, high[-1]]
        ax.fill_between(on, *band, step="post", color=colour, alpha=BAND, linewidth=0)
        ax.step(on, [*height, height[-1]], where="post", color=colour, linestyle=_DASHES[i % len(_DASHES)])
        ends = f"{name} {shown(height[-1], percent=percent)}".strip()
        labels.append((float(height[-1]), ends, PALETTE_TEXT[i % len(PALETTE_TEXT)], "bold"))
    if len(curves) == 1:
        _mark(ax, curves[0], marks, percent)
    _label_right(ax, labels)
    _week_ticks(ax, right)
    note(ax, "Shaded: 95% interval" if optional(table, lower) and optional(table, upper) else "", below=36)
    return ax


@styled
def lorenz(
    table: pd.DataFrame,
    *,
    headline: str,
    alt: str,
    ax: Axes | None = None,
    x: str = "share_children",
    y: str = "share_episodes",
    reference: str = "reference",
    marks: Sequence[float] = (0.1,),
) -> Axes:
    """Draw which share of the episodes the most frequent children account for.

    Parameters
    ----------
    table : DataFrame
        Treated; one row per point, children with most episodes first. A few round points only: every corner of a
        full Lorenz curve is a child.
    headline, alt, ax
        As in :func:`run_chart`.
    x, y : str
        Columns with the share of the children and of the episodes, 0 to 1. Points with a withheld value are left out.
    reference : str
        Column with the share that chance alone would give; not drawn when absent.
    marks : sequence of float
        Shares of children whose share of episodes is written on the chart.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentRefused
        If ``headline`` or ``alt`` is empty, a column is absent, or a value is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"share_children": [0, 0.1, 1], "share_episodes": [0, 0.4, 1]})
    >>> ax = lorenz(table, headline="A tenth, 40%", alt="The top tenth have 40% of episodes.")
    >>> ax.texts[-1].get_text()
    'Top 10% of children:\\n40% of episodes'
    """
    columns_of(table, x, y)
    ax = begin(table, headline, alt, ax, 3.8)
    children, episodes = numbers(table[x]), numbers(table[y])
    known = np.isfinite(children) & np.isfinite(episodes)
    if known.sum() < 2:
        nothing_to_show(ax)
        return ax
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="Share of children, most episodes first", ylabel="Share of episodes")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(_at(np.linspace(0, 1, 6)))
        axis.set_major_formatter(lambda value, _: shown(value, percent=True))
    ax.grid(axis="y")
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (2, 2)))
    ax.text(0.72, 0.69, "if all children had\nthe same number", color=GREY, fontsize=9, va="top")
    if optional(table, reference):
        chance = numbers(table[reference])
        known_too = known & np.isfinite(chance)
        ax.plot(children[known_too], chance[known_too], color=DARK, linewidth=1.2, linestyle=(0, (5, 2)))
        middle = int(np.argmin(np.where(known_too, np.abs(children - 0.5), np.inf)))
        place = (float(children[middle]), float(chance[middle]))
        ax.annotate("by chance alone", place, (8, -2), textcoords="offset points", color=DARK, fontsize=9, va="top")
    start = [0.0] if children[known].min() > 0 else []  # no child has no episode, whether or not the table says so
    ax.plot([*start, *children[known]], [*start, *episodes[known]], color=BLUE, marker="o", markersize=4, clip_on=False)
    for mark in marks:
        for i in np.flatnonzero(known & np.isclose(children, mark)):
            words = (
                f"Top {shown(mark, percent=True)} of children:\n{shown(float(episodes[i]), percent=True)} of episodes"
            )
            ax.annotate(
                words,
                (children[i], episodes[i]),
                xytext=(12, -4),
                textcoords="offset points",
                color=BLUE,
                fontweight="bold",
                va="top",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )
    return ax


def _curves(
    table: pd.DataFrame, x: str, y: str, lower: str | None, upper: str | None, by: str | None
) -> list[tuple[str, Floats, Floats, Floats, Floats]]:
    names = list(dict.fromkeys(table[by])) if by else [""]
    curves = []
    for name in names:
        part = table[table[by] == name] if by else table
        time, height = numbers(part[x]), numbers(part[y])
        known = np.isfinite(time) & np.isfinite(height)
        low = numbers(part[lower]) if lower else height
        high = numbers(part[upper]) if upper else height
        if known.any():
            curves.append((str(name), *(np.where(np.isfinite(v), v, height)[known] for v in (time, height, low, high))))
    return curves


def _mark(ax: Axes, curve: tuple[str, Floats, Floats, Floats, Floats], marks: Sequence[float], percent: bool) -> None:
    _, time, height, _, _ = curve
    for mark in marks:
        if time[0] <= mark <= time[-1]:
            level = float(height[np.searchsorted(time, mark, side="right") - 1])
            ax.plot([mark, mark], [0, level], color=GREY, linewidth=1, linestyle=(0, (2, 2)))
            ax.plot([mark], [level], "o", color=BLUE, markersize=5)
            ax.annotate(
                f"{mark:g} days: {shown(level, percent=percent)}",
                (mark, level),
                xytext=(6, -4),
                textcoords="offset points",
                va="top",
                color=INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.75},
            )


def _label_right(ax: Axes, labels: Sequence[tuple[float, str, str, str]]) -> None:
    """Write labels beside the right edge at their heights, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    places = spread([height for height, *_ in labels], (high - low) * 0.075, low, high)
    for place, (_, words, colour, weight) in zip(places, labels, strict=True):
        ax.annotate(
            words,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            fontweight=weight,
            va="center",
        )


def _signalled(table: pd.DataFrame, marks: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if not optional(table, marks):
        return np.zeros(len(table), dtype=bool)
    filled = [not (v is None or v is pd.NA or v != v) and v not in ("", "none", False) for v in table[marks]]  # noqa: PLR0124
    return np.array(filled, dtype=bool)


def _month_ticks(ax: Axes, months: Sequence[str]) -> None:
    step = max(1, -(-len(months) // 9))
    shown_at = [i for i in range(len(months)) if (len(months) - 1 - i) % step == 0]
    labels, year = [], ""
    for i in shown_at:
        parts = months[i].split("-")
        if len(parts) == 2 and parts[1].isdigit() and 1 <= int(parts[1]) <= 12:
            labels.append(_MONTHS[int(parts[1]) - 1] + (f"\n{parts[0]}" if parts[0] != year else ""))
            year = parts[0]
        else:
            labels.append(months[i])
    ax.set_xticks(shown_at, labels)


def _week_ticks(ax: Axes, right: float) -> None:
    for step in (7, 14, 28, 90, 180):
        if right / step <= 8:
            break
    ax.set_xticks(np.arange(0, right + 1e-9, step))


def _at(places: Floats) -> Any:
    from matplotlib.ticker import FixedLocator

    return FixedLocator(places.tolist())


def _few_whole_steps() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=5, integer=True)
