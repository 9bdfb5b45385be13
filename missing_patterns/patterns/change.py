"""Whether the mix of triggers has changed: recent interviews beside earlier ones, with children as the unit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.codebook import Codebook
from missing_patterns.patterns.counts import Level, Named, named_items

Floats = npt.NDArray[np.float64]

#: Fewest interviews that would name a trigger in the smaller period if nothing had changed; below it nothing is tested.
MIN_EXPECTED = 5.0


def trigger_change(
    triggers: pd.DataFrame,
    earlier: pd.DataFrame,
    recent: pd.DataFrame,
    codebook: Codebook | None = None,
    level: Level = "code",
) -> pd.DataFrame:
    """Compare how often each trigger is named in recent interviews and in earlier ones.

    Parameters
    ----------
    triggers : pd.DataFrame
        The trigger table.
    earlier, recent : pd.DataFrame
        Interviews of the two periods; an interview must not stand in both.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.
    level : {"code", "domain"}, default "code"
        One row per code, or per domain.

    Returns
    -------
    pd.DataFrame
        One row per code or domain, the largest change first: ``code`` (or ``domain``), ``label``,
        ``n_children_earlier``, ``n_children_recent`` (children who named it), ``n_known_earlier``, ``n_known_recent``
        (interviews with known triggers), ``share_earlier``, ``share_recent``, ``difference`` (recent less earlier)
        with its 95 % interval ``lower``, ``upper``, ``p``, and ``q``: p adjusted for all rows tried (false discovery
        rate). All four are NaN where the smaller period would name it in fewer than 5 interviews.

    Raises
    ------
    ArgumentRefused
        If ``level`` is not known.
    TableRefused
        If a table cannot be used.

    Notes
    -----
    Difference of two ratio estimators; its variance is that of the children's summed residuals about the overall
    share, over both periods, so a child with many interviews, in one period or both, counts as one child. False
    discovery rate: Benjamini and Hochberg (1995). A change in who is interviewed, or in how reasons are asked, looks
    the same as a change in reasons.

    Examples
    --------
    >>> import pandas as pd
    >>> ids = [str(i) for i in range(80)]
    >>> held = pd.DataFrame({"interview_id": ids, "child_id": ids, "status": "completed", "coded_triggers": [()] * 80})
    >>> named = [str(i) for i in [*range(5), *range(40, 60)]]
    >>> triggers = pd.DataFrame({"interview_id": named, "child_id": named, "code": "care_move", "status": "present"})
    >>> first = trigger_change(triggers, held[:40], held[40:]).iloc[0]
    >>> first["code"], round(float(first["difference"]), 3), bool(first["q"] < 0.05)
    ('care_move', 0.375, True)
    """
    from scipy.stats import false_discovery_control, norm

    before = named_items(triggers, earlier, codebook, level)
    after = named_items(triggers, recent, codebook, level)
    order = list(before.items["item"])
    children = pd.Index(sorted({*before.known["child_id"], *after.known["child_id"]}))
    known = [len(before.known), len(after.known)]
    tally = [_tally(named, order, children) for named in (before, after)]
    named_in = [t.sum(axis=0) for t, _ in tally]
    p0, p1 = (k / n if n else np.full(len(order), np.nan) for k, n in zip(named_in, known, strict=True))
    overall = (named_in[0] + named_in[1]) / max(sum(known), 1)
    # Residuals about the overall share: where one period never names a trigger, its own share would show no variance.
    r0, r1 = ((t - np.outer(m, overall)) / max(n, 1) for (t, m), n in zip(tally, known, strict=True))
    n = len(children)
    variance = ((r1 - r0) ** 2).sum(axis=0) * n / max(n - 1, 1)
    expected = overall * min(known)
    se = np.sqrt(np.where((variance > 0) & (expected >= MIN_EXPECTED), variance, np.nan))
    difference = p1 - p0
    p = 2 * norm.sf(np.abs(difference / se))
    table = pd.DataFrame({level: order, "label": list(before.items["label"])})
    for suffix, named, share in (("earlier", before, p0), ("recent", after, p1)):
        by_item = named.pairs.groupby("item")["child_id"].nunique()
        table[f"n_children_{suffix}"] = by_item.reindex(order, fill_value=0).to_numpy(dtype="int64")
        table[f"n_known_{suffix}"] = len(named.known)
        table[f"share_{suffix}"] = share
    table["difference"] = difference
    table["lower"], table["upper"] = difference - 1.96 * se, difference + 1.96 * se
    table["p"] = p
    table["q"] = np.nan
    tried = np.isfinite(p)
    if tried.any():
        table.loc[tried, "q"] = false_discovery_control(p[tried])
    by_size = table["difference"].abs().sort_values(ascending=False, kind="stable", na_position="last").index
    return table.loc[by_size].reset_index(drop=True)


def _tally(named: Named, order: list[str], children: pd.Index) -> tuple[Floats, Floats]:
    """Per child: how many interviews named each item, and how many had known triggers."""
    answered = named.known["child_id"].value_counts().reindex(children, fill_value=0)
    tally = named.pairs.groupby(["child_id", "item"]).size().unstack(fill_value=0)
    tally = tally.reindex(index=children, columns=order, fill_value=0)
    return tally.to_numpy(dtype="float64"), answered.to_numpy(dtype="float64")
