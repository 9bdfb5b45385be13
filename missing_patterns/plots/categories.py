"""Charts over categories: bars with intervals, the ladder, the heat map and the profiles of types."""

# ruff: noqa: PLR0913 - a chart has many named options, all keyword-only
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from missing_patterns.plots.canvas import BLUE, DARK, FAINT, GREY, INK, begin, note, nothing_to_show, styled
from missing_patterns.plots.values import columns_of, is_withheld, numbers, optional, shown, withheld_note, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def bars(
    table: pd.DataFrame,
    *,
    headline: str,
    alt: str,
    ax: Axes | None = None,
    label: str = "label",
    value: str = "share",
    lower: str | None = "lower",
    upper: str | None = "upper",
    percent: bool = True,
    x_label: str = "",
    total: str = "All",
) -> Axes:
    """Draw horizontal bars in the order of the table, each with its figure at its end.

    Parameters
    ----------
    table : DataFrame
        Treated; one row per bar. A withheld value has no bar, only the letter ``c``.
    headline, alt : str
        The finding in one line, and what a reader who cannot see the chart needs to know.
    ax : matplotlib Axes, optional
        Where to draw; None makes a figure of report width, as high as the bars need.
    label, value : str
        Columns with the bar's name and length.
    lower, upper : str or None
        Columns with the interval; drawn as a thin line where the table has both.
    percent : bool, default True
        Whether the values are shares.
    x_label : str
        What the length means.
    total : str, default "All"
        A row of this name is left out: it would drown the rest.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentRefused
        If ``headline`` or ``alt`` is empty, a column is absent, or a value is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["At home", "School", "Gangs"], "share": [0.42, 0.0, "c"]})
    >>> ax = bars(table, headline="Home leads", alt="At home 42%, school none, gangs withheld.")
    >>> [t.get_text() for t in ax.texts]
    ['42%', '0%', 'c', 'c = withheld: too few children']
    """
    columns_of(table, label, value)
    whole, table = table, table[(table[label] != total).to_numpy(dtype=bool)]
    names = [wrap(name, 34) for name in table[label]]
    ax = begin(whole, headline, alt, ax, 0.75 + sum(0.24 + 0.16 * n.count("\n") + 0.08 for n in names))
    length = numbers(table[value])
    if not len(table):
        nothing_to_show(ax, "There is nothing to show.")
        return ax
    at = np.arange(len(length), dtype=float)
    known = np.isfinite(length)
    ax.barh(at[known], length[known], height=0.62, color=BLUE)
    longest, words = float(np.max(length, initial=0.0, where=known)), ""
    if optional(table, lower) and optional(table, upper):
        low, high = numbers(table[lower]), numbers(table[upper])
        both = known & np.isfinite(low) & np.isfinite(high)
        # White under dark, so that the interval is seen both on the bar and beside it.
        ax.hlines(at[both], low[both], high[both], color="white", linewidth=3.6)
        ax.hlines(at[both], low[both], high[both], color=DARK, linewidth=1.5)
        longest = max(longest, float(np.max(high, initial=0.0, where=both)))
        words = "Thin line: 95% interval" if both.any() else ""
    # One column of figures at the right, where they can be read down; beside the bars they would meet the intervals.
    for place, cell, is_known in zip(at, table[value], known, strict=True):
        ax.annotate(
            shown(cell, percent=percent),
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(34, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=INK if is_known else GREY,
            fontweight="bold",
        )
    ax.set_xlim(0, longest * 1.02 or 1.0)
    _name_rows(ax, names)
    note(ax, x_label, words, withheld_note(table[value]))
    return ax


@styled
def ladder(
    table: pd.DataFrame,
    *,
    headline: str,
    alt: str,
    ax: Axes | None = None,
    label: str = "rung",
    value: str = "n_episodes",
    share: str | None = "share_of_due",
    share_words: str = "of due",
) -> Axes:
    """Draw the rungs of a process as bars that shrink, each with its count and its share.

    Parameters
    ----------
    table : DataFrame
        Treated; one row per rung, widest first. A withheld rung has no bar, only the letter ``c``.
    headline, alt, ax
        As in :func:`bars`.
    label, value : str
        Columns with the rung's name and its count.
    share : str or None
        Column with the rung's share, written after the count where the table has it.
    share_words : str
        What the share is of.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentRefused
        If ``headline`` or ``alt`` is empty, a column is absent, or a value is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"rung": ["Due", "Held"], "n_episodes": [88, 43], "share_of_due": [1.0, 0.49]})
    >>> ax = ladder(table, headline="Half were held", alt="88 due, 43 held.")
    >>> [t.get_text() for t in ax.texts]
    ['88  (100% of due)', '43  (49% of due)']
    """
    columns_of(table, label, value)
    names = [wrap(name, 30) for name in table[label]]
    ax = begin(table, headline, alt, ax, 0.6 + 0.4 * max(len(names), 1))
    count = numbers(table[value])
    known = np.isfinite(count)
    if not known.any():
        nothing_to_show(ax)
        return ax
    at = np.arange(len(count), dtype=float)
    widest = float(np.nanmax(count)) or 1.0
    ax.barh(at, widest, height=0.68, color="#F3F2F1")  # the whole, so that what is lost can be seen
    ax.barh(at[known], count[known], height=0.68, color=BLUE)
    words = [shown(v) for v in table[value]]
    column = optional(table, share)
    if column:
        words = [
            f"{n}  ({shown(s, percent=True)} {share_words})" if np.isfinite(v) else n
            for n, s, v in zip(words, table[column], numbers(table[column]), strict=True)
        ]
    for place, length, text in zip(at, count, words, strict=True):
        inside = np.isfinite(length) and length > widest * 0.55
        x = (length if np.isfinite(length) else 0.0) + (-0.01 if inside else 0.01) * widest
        ax.text(
            x,
            place,
            text,
            va="center",
            ha="right" if inside else "left",
            color="white" if inside else INK,
            fontweight="bold",
        )
    ax.set_xlim(0, widest)
    _name_rows(ax, names)
    note(ax, withheld_note(table[value]))
    return ax


@styled
def heatmap(
    table: pd.DataFrame,
    *,
    headline: str,
    alt: str,
    ax: Axes | None = None,
    label: str | None = None,
    columns: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    percent: bool = False,
    total: str = "All",
    x_label: str = "",
) -> Axes:
    """Draw a table as shaded cells, each with its figure written in it.

    Parameters
    ----------
    table : DataFrame
        Treated and wide; one row per row of the chart. A withheld cell is hatched and holds the letter ``c``.
    headline, alt, ax
        As in :func:`bars`.
    label : str, optional
        Column with the names of the rows; None is the first column.
    columns : sequence of str, optional
        Columns that are drawn; None is all others.
    names : mapping of str to str, optional
        Words to show for a column; its own name where there are none.
    percent : bool, default False
        Whether the values are shares.
    total : str, default "All"
        Row or column with this name is written without shade: it would drown the rest.
    x_label : str
        What the columns are.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentRefused
        If ``headline`` or ``alt`` is empty, a column is absent, or a value is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"weekday": ["Mon", "Tue"], "00-11": [7, "c"], "12-23": [12, 9]})
    >>> ax = heatmap(table, headline="Afternoons", alt="Most episodes begin from noon on.")
    >>> [t.get_text() for t in ax.texts][:4]
    ['7', '12', 'c', '9']
    """
    rows, heads, cells = _grid(table, label, columns)
    ax = begin(table, headline, alt, ax, 0.9 + 0.36 * max(len(rows), 1))
    if not len(rows) or not heads:
        nothing_to_show(ax, "There is nothing to show.")
        return ax
    interior = np.array([[total not in (r, n) for n in heads] for r in rows])
    value = np.array([numbers(row) for row in cells])
    top = float(np.max(value, initial=0.0, where=interior & np.isfinite(value)))
    from matplotlib.patches import Rectangle

    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            strength = float(value[i, j]) / top if interior[i, j] and top and np.isfinite(value[i, j]) else 0.0
            face = _shade(strength)
            ax.add_patch(Rectangle((j, i), 1, 1, facecolor=face, edgecolor="white", linewidth=1.5))
            if is_withheld(cell):
                hatch = Rectangle((j, i), 1, 1, facecolor="none", edgecolor=FAINT, hatch="///", linewidth=0)
                ax.add_patch(hatch)
            ax.text(
                j + 0.5,
                i + 0.5,
                shown(cell, percent=percent),
                ha="center",
                va="center",
                color="white" if _is_dark(face) else INK,
                fontweight="normal" if interior[i, j] else "bold",
            )
    ax.set(xlim=(0, len(heads)), ylim=(len(rows), 0))
    ax.set_xticks(np.arange(len(heads)) + 0.5, [wrap((names or {}).get(n, n), 12) for n in heads])
    ax.set_yticks(np.arange(len(rows)) + 0.5, [wrap(r, 24) for r in rows])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_xlabel(x_label)
    ax.spines[:].set_visible(False)
    note(ax, withheld_note(cell for row in cells for cell in row))
    return ax


@styled
def profiles(
    table: pd.DataFrame,
    *,
    headline: str,
    alt: str,
    ax: Axes | None = None,
    label: str | None = None,
    columns: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
) -> Axes:
    """Draw types side by side: one column per type, one line per trigger domain, a bar for each share.

    Parameters
    ----------
    table : DataFrame
        Treated and wide; one row per type, one column per domain with the share of answered interviews that name it.
    headline, alt, ax
        As in :func:`bars`.
    label : str, optional
        Column with the names of the types; None is the first column.
    columns : sequence of str, optional
        Columns with the domains; None is all others.
    names : mapping of str to str, optional
        Words to show for a column; its own name where there are none.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ArgumentRefused
        If ``headline`` or ``alt`` is empty, a column is absent, or a value is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"type": ["A", "B"], "Home": [0.7, 0.2], "Friends": ["c", 0.6]})
    >>> ax = profiles(table, headline="Two types", alt="A is high on home, B on friends.")
    >>> [t.get_text() for t in ax.texts][:4]
    ['70%', 'c', '20%', '60%']
    """
    types, domains, cells = _grid(table, label, columns)
    ax = begin(table, headline, alt, ax, 1.1 + 0.33 * max(len(domains), 1))
    if not len(types) or not domains:
        nothing_to_show(ax, "There is no type to show.")
        return ax
    at = np.arange(len(domains), dtype=float)
    room = max(0.45, 0.92 - 0.085 * len(types))  # of each type's column, for a bar of 100 %; the rest for its figure
    for j, row in enumerate(cells):
        share = numbers(row)
        known = np.isfinite(share)
        ax.barh(at, room, left=j, height=0.6, color="#F3F2F1")
        ax.barh(at[known], share[known] * room, left=j, height=0.6, color=BLUE)
        for place, cell in zip(at, row, strict=True):
            ax.text(j + room + 0.03, place, shown(cell, percent=True), va="center", ha="left")
    ax.set_xlim(0, len(types) - 0.1)
    _name_rows(ax, [wrap((names or {}).get(d, d), 30) for d in domains])
    ax.set_xticks(np.arange(len(types)), [wrap(t, max(10, 56 // len(types))) for t in types], ha="left")
    ax.xaxis.tick_top()
    for tick in ax.get_xticklabels():
        tick.set_fontweight("bold")
    ax.spines["left"].set_visible(False)
    note(ax, withheld_note(cell for row in cells for cell in row))
    return ax


def _grid(
    table: pd.DataFrame, label: str | None, columns: Sequence[str] | None
) -> tuple[list[str], list[str], list[list[Any]]]:
    """Return the names of the rows, the names of the columns, and the cells."""
    columns_of(table, label, *(columns or ()))
    label = label if label is not None else str(table.columns[0]) if len(table.columns) else None
    names = list(columns) if columns is not None else [str(c) for c in table.columns if c != label]
    rows = [str(r) for r in table[label]] if label is not None else []
    return rows, names, [[table[n].iloc[i] for n in names] for i in range(len(rows))]


def _shade(strength: float) -> tuple[float, float, float]:
    """Return the palette's blue mixed with white; strength 0 is a very light grey-blue, 1 the full colour."""
    light, full = np.array([0.945, 0.953, 0.965]), np.array([0x12, 0x43, 0x6D]) / 255
    mixed = light + (full - light) * strength
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def _is_dark(colour: tuple[float, float, float]) -> bool:
    """Say whether white words read better on a colour than dark ones, by relative luminance (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.179


def _name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows at the left, first on top, with no frame and no scale: every figure is written out."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xticks([])
    ax.spines[["bottom", "top", "right"]].set_visible(False)
