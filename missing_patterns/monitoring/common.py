"""What the charts of this room share."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_Z95 = NormalDist().inv_cdf(0.975)


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

    return plt.subplots(figsize=(7.0, 4.0), layout="constrained")[1]


def wilson(k: int, n: int) -> tuple[float, float, float]:
    """Return a share and its 95 % interval by Wilson (1927); NaN where there is nothing to take a share of.

    Parameters
    ----------
    k, n : int
        How many, of how many.

    Returns
    -------
    share, lower, upper : float

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> [round(x, 3) for x in wilson(5, 10)]
    [0.5, 0.237, 0.763]
    """
    if n == 0:
        return np.nan, np.nan, np.nan
    share, square = k / n, _Z95**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z95 / (1 + square / n) * float(np.sqrt(share * (1 - share) / n + square / (4 * n**2)))
    return share, max(middle - half, 0.0) if k else 0.0, min(middle + half, 1.0) if k < n else 1.0
