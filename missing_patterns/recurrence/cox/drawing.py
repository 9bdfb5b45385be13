"""How rate ratios are drawn: a log scale with plain numbers, and a row for each covariate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, PINK, GREY = "#12436D", "#801650", "#3D3D3D"

#: An interval that runs further than this from 1 is cut off, with an arrow.
FURTHEST = 100.0


def log_axis(ax: Axes, which: Literal["x", "y"], values: Iterable[float]) -> tuple[float, float]:
    """Make an axis logarithmic, with plain numbers at it, around 1 and wide enough for the values.

    Parameters
    ----------
    ax : Axes
        Where.
    which : {"x", "y"}
        Which axis.
    values : iterable of float
        What will be drawn; those not finite and positive are left out, and those beyond 100 or below 1/100 cut off.

    Returns
    -------
    low, high : float
        The ends of the axis.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.drawing import new_axes
    >>> low, high = log_axis(new_axes(None), "x", [0.5, 3.0, np.inf])
    >>> low < 0.5, 3.0 < high < 5.0
    (True, True)
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    drawn = [float(np.clip(v, 1 / FURTHEST, FURTHEST)) for v in values if np.isfinite(v) and v > 0]
    low, high = min([*drawn, 0.9]), max([*drawn, 1.1])
    room = (high / low) ** 0.06
    low, high = low / room, high * room
    marks = np.array([m * 10.0**k for k in range(-3, 4) for m in ((1,) if high / low > 200 else (1, 2, 5))])
    if high / low < 3:
        step = 0.05 if high / low < 1.3 else 0.1 if high / low < 1.7 else 0.25
        marks = np.round(1 + step * np.arange(-20, 60), 2)
    axis = ax.xaxis if which == "x" else ax.yaxis
    if which == "x":
        ax.set_xscale("log")
        ax.set_xlim(low, high)
    else:
        ax.set_yscale("log")
        ax.set_ylim(low, high)
    axis.set_major_locator(FixedLocator(marks[(marks >= low) & (marks <= high)].tolist()))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return low, high


def forest(
    ax: Axes,
    names: list[str],
    centre: list[float],
    lower: list[float],
    upper: list[float],
    *,
    label: str | None = None,
    notes: list[str] | None = None,
) -> None:
    """Draw one row per name: a square at the rate ratio and a line for its interval, on a log scale, first on top.

    An interval that leaves the drawing ends in an arrow; one that is not known is left out.

    Parameters
    ----------
    ax : Axes
        Where.
    names : list of str
        Words for the rows.
    centre, lower, upper : lists of float
        Rate ratios and the ends of their intervals.
    label : str, optional
        Words for a legend.
    notes : list of str, optional
        Text at the right of each row.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.recurrence.drawing import new_axes
    >>> axes = new_axes(None)
    >>> forest(axes, ["in care"], [1.8], [1.2], [2.7])
    >>> [text.get_text() for text in axes.get_yticklabels()]
    ['in care']
    """
    low, high = log_axis(ax, "x", [*centre, *lower, *upper])
    ax.axvline(1.0, color=GREY, linewidth=1, linestyle="--", zorder=1)
    at = np.arange(len(names))[::-1]
    for k, (y, mid, left, right) in enumerate(zip(at, centre, lower, upper, strict=True)):
        if np.isfinite(left) and not np.isnan(right):
            ends = float(np.clip(left, low, high)), float(np.clip(right, low, high))
            ax.plot(ends, [y, y], color=BLUE, linewidth=2, solid_capstyle="butt", zorder=2)
            for end, beyond, marker in ((low, left < low, "<"), (high, right > high, ">")):
                if beyond:
                    ax.plot([end], [y], marker=marker, color=BLUE, clip_on=False, markersize=7, zorder=3)
        if np.isfinite(mid) and low < mid < high:
            ax.plot([mid], [y], marker="s", color=BLUE, markersize=7, zorder=3, label=label if k == 0 else None)
        if notes is not None:
            ax.annotate(notes[k], (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize="small")
    ax.set_yticks(at, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x", color="#DDDDDD", linewidth=0.7)
    ax.set_axisbelow(True)
