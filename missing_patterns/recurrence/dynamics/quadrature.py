"""Exact integrals over a gamma-distributed rate: Gauss-Laguerre rules, with their derivatives by the shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from missing_patterns.recurrence.common import Floats, Ints

#: Sizes of rules that are kept: a child's integral uses the next larger one.
_SIZES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096])

#: Above so large a number the running polynomials are scaled down, well before they overflow.
_LARGE = 1e100


@dataclass(frozen=True, slots=True)
class Rule:
    """A sum that stands for the mean over x ~ Gamma(shape, 1): E f(x) = sum of exp(log_weight) f(node).

    ``node_slope`` and ``weight_slope`` are the derivatives of ``node`` and ``log_weight`` by the shape.
    """

    node: Floats
    log_weight: Floats
    node_slope: Floats
    weight_slope: Floats


def nodes_needed(episodes: Ints, n_nodes: int) -> Ints:
    """Return the size of the rule for an integral over so many episodes.

    The likelihood of a child with n episodes is the mean of a polynomial of degree n, for which a rule of (n + 1) / 2
    nodes is exact. Where that would be more than ``n_nodes``, n / 4 + 20 nodes do: their distance is then below half
    the width of the peak, and the error below 1e-9.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> nodes_needed(np.array([1, 3, 4, 47, 400]), 24).tolist()
    [1, 2, 3, 24, 128]
    """
    exact = (np.asarray(episodes, dtype=np.int64) + 2) // 2
    wanted = np.where(exact <= n_nodes, exact, np.minimum(exact, np.maximum(n_nodes, np.asarray(episodes) // 4 + 20)))
    place = np.searchsorted(_SIZES, wanted)
    return np.where(place < len(_SIZES), _SIZES[np.minimum(place, len(_SIZES) - 1)], wanted).astype(np.int64)


def gamma_rules(shape: float, sizes: Ints) -> list[Rule]:
    """Return the rule of each size for x ~ Gamma(shape, 1).

    Nodes are the eigenvalues of the Jacobi matrix (Golub and Welsch 1969), polished by a Newton step; weights are
    those of Christoffel, in logs, since those of the outer nodes are far below the smallest number otherwise.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> (rule,) = gamma_rules(0.7, np.array([4]))
    >>> weight = np.exp(rule.log_weight)
    >>> [round(float(weight @ rule.node**power), 6) for power in (0, 1, 2)]  # 1, k, k (k + 1)
    [1.0, 0.7, 1.19]
    """
    from scipy.linalg import eigvalsh_tridiagonal

    largest = int(max(sizes))
    m = np.arange(largest + 1)
    diagonal, off = 2.0 * m + shape, np.sqrt(m * (m + shape - 1.0))
    off[0] = 0.0
    node = np.concatenate([eigvalsh_tridiagonal(diagonal[:q], off[1:q]) if q > 1 else diagonal[:1] for q in sizes])
    order = np.argsort(-np.repeat(sizes, sizes), kind="stable")  # longest rules first: the active ones lie in front
    size = np.repeat(sizes, sizes)[order]
    node = node[order]
    root, slope, by_shape, log_sum, (sum_by_shape, sum_by_x) = _polynomials(node, size, shape, off)
    polish = np.maximum(-root / slope, -0.5 * node)  # a Newton step, as small as rounding: all else follows it
    node = node + polish
    log_sum = log_sum + sum_by_x * polish
    node_slope = -by_shape / slope
    weight_slope = -(sum_by_shape + sum_by_x * node_slope)
    back = np.argsort(order, kind="stable")
    ends = np.cumsum(sizes)
    parts = [np.split(values[back], ends[:-1]) for values in (node, -log_sum, node_slope, weight_slope)]
    return [Rule(*rule) for rule in zip(*parts, strict=True)]


def _polynomials(
    x: Floats, size: Ints, shape: float, off: Floats
) -> tuple[Floats, Floats, Floats, Floats, tuple[Floats, Floats]]:
    """Run the orthonormal polynomials p up to each node's own degree, with derivatives by x and by the shape.

    Returns p, dp/dx and dp/dshape at that degree, on a common scale; the log of the sum of p squared over lower
    degrees; and its derivatives by the shape and by x.
    """
    n = len(x)
    root, slope, by_shape, log_scale = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    before = np.zeros((3, n))  # p, dp/dx, dp/dshape
    now = np.zeros((3, n))
    now[0] = 1.0
    sums = np.zeros((3, n))  # of p^2, p dp/dx, p dp/dshape
    m_shape = np.arange(len(off)) + shape - 1.0
    off_slope = np.divide(0.5 * off, m_shape, out=np.zeros(len(off)), where=off > 0)  # d off / d shape
    for m in range(int(size[0])):
        active = int(np.searchsorted(-size, -m, side="left"))  # rules larger than m
        head = slice(0, active)
        sums[:, head] += now[0, head] * now[:, head]
        ahead = x[head] - (2.0 * m + shape)
        after = ahead * now[:, head] - off[m] * before[:, head]
        after[1] += now[0, head]
        after[2] -= now[0, head] + off_slope[m] * before[0, head]
        after /= off[m + 1]
        after[2] -= off_slope[m + 1] / off[m + 1] * after[0]
        before[:, head], now[:, head] = now[:, head], after
        done = slice(int(np.searchsorted(-size, -(m + 1), side="left")), active)  # rules of exactly m + 1 nodes
        root[done], slope[done], by_shape[done] = now[:, done]
        high = np.abs(now[0, head]) > _LARGE
        if high.any():
            at = np.flatnonzero(high)
            scale = np.abs(now[0, at])
            log_scale[at] += np.log(scale)
            now[:, at] /= scale
            before[:, at] /= scale
            sums[:, at] /= scale**2
    total = sums[0]
    return root, slope, by_shape, np.log(total) + 2.0 * log_scale, (2.0 * sums[2] / total, 2.0 * sums[1] / total)
