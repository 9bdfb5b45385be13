"""What the plots of this room share: axes in the palette, and step curves with their bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns.recurrence.common import rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of curves, in order: of the Government Analysis Function's palette, and unlike in grey too.
PALETTE = ("#12436D", "#F46A25", "#801650", "#28A197")


def new_axes(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new figure, which a notebook shows by itself.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> new_axes(None).get_title()
    ''
    >>> plt.close("all")
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    axes = plt.subplots(figsize=(7.0, 4.0), layout="constrained")[1]
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_prop_cycle(color=PALETTE)
    return axes


def draw_steps(ax: Axes, table: pd.DataFrame, groups: pd.DataFrame, value: str, by: str | None) -> None:
    """Draw one step curve per group, from 0 at day 0, each with its band of ``lower`` and ``upper``; shares in percent.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> axes = new_axes(None)
    >>> table = pd.DataFrame({"days": [3.0], "share_again": [0.5], "lower": [0.2], "upper": [0.8]})
    >>> draw_steps(axes, table, pd.DataFrame(), "share_again", None)
    >>> len(axes.lines)
    1
    """
    styles = ("-", "--", "-.", ":")
    for k, (label, part) in enumerate(rows_of(table, groups, by)):
        days = np.concatenate([[0.0], part["days"].to_numpy()])
        (line,) = ax.step(
            days,
            np.concatenate([[0.0], part[value].to_numpy()]),
            where="post",
            linestyle=styles[k % len(styles)],
            label=None if by is None else f"{by}: {label}",
        )
        band = [np.concatenate([[np.nan], part[c].to_numpy()]) for c in ("lower", "upper")]
        ax.fill_between(days, band[0], band[1], step="post", alpha=0.2, color=line.get_color(), linewidth=0)
    if by is not None:
        ax.legend(frameon=False)
    ax.set_xlabel("Days")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    if value.startswith("share"):
        from matplotlib.ticker import PercentFormatter

        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
