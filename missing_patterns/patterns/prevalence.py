"""How often each trigger is named, of the interviews that say anything about triggers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.codebook import Codebook
from missing_patterns.patterns.counts import Level, Named, named_items

Floats = npt.NDArray[np.float64]

Z95 = 1.959963984540054

NOTE = (
    "Shares are of held interviews whose triggers are known; interviews that were declined, not held or left blank "
    "are unknown, and unknown is not 'no'. The Wilson interval treats interviews as separate; one child may have "
    "several, so the interval with the design effect is the one to read. Named reasons are associations as recorded, "
    "not causes, and one interview can name several, so shares do not add up to 100 %."
)


def trigger_prevalence(
    triggers: pd.DataFrame,
    interviews: pd.DataFrame,
    codebook: Codebook | None = None,
    level: Level = "code",
) -> pd.DataFrame:
    """Share of interviews that name each trigger, with the known denominator and its uncertainty.

    Parameters
    ----------
    triggers : pd.DataFrame
        The trigger table. Codes ``present`` or ``suspected`` count as named.
    interviews : pd.DataFrame
        The interviews behind it, all of them. Those held in their own right (``completed``,
        ``completed_partial``) count; ``covered_by_other`` would count one conversation twice.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.
    level : {"code", "domain"}, default "code"
        One row per code, or per domain (an interview names a domain once, however many of its codes).

    Returns
    -------
    pd.DataFrame
        One row per code or domain of the codebook, most named first, those never named included:

        - ``code`` (at level code), ``domain``, ``side`` (at level code), ``label``
        - ``n_interviews`` naming it, ``n_suspected`` of them only as suspected, ``n_children`` behind them
        - ``n_known`` interviews with known triggers, ``n_unknown`` held but unknown, ``n_children_known`` behind
          the known ones (the same in every row)
        - ``share`` = n_interviews / n_known; NaN when nothing is known
        - ``lower``, ``upper``: Wilson 95 % interval, interviews taken as separate
        - ``design_effect``: variance when the child is the unit, over that variance (linearised ratio estimator);
          NaN when it cannot be estimated
        - ``lower_children``, ``upper_children``: Wilson interval with n_known divided by the design effect,
          where that is above 1

        ``.attrs`` holds ``note``, ``n_not_held_with_triggers`` (interviews left out because their status says that
        they were not held, although triggers are filled in) and ``n_not_in_codebook`` (trigger rows left out).

    Raises
    ------
    ArgumentRefused
        If ``level`` is not known.
    TableRefused
        If a table cannot be used.

    Notes
    -----
    Wilson, E. B. (1927), J. Am. Stat. Assoc. 22, 209-212. Design effect: Kish (1965), Survey Sampling.

    Examples
    --------
    >>> import pandas as pd
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["1", "2", "3", "4"], "child_id": ["A", "A", "B", "C"],
    ...     "status": ["completed", "completed", "completed", "completed"],
    ...     "coded_triggers": [("home_conflict",), (), ("home_conflict",), None]})
    >>> triggers = pd.DataFrame({"interview_id": ["1", "3"], "child_id": ["A", "B"],
    ...     "code": ["home_conflict", "home_conflict"], "status": ["present", "present"]})
    >>> first = trigger_prevalence(triggers, interviews).iloc[0]
    >>> first["code"], int(first["n_interviews"]), int(first["n_known"]), int(first["n_unknown"])
    ('home_conflict', 2, 3, 1)
    >>> first[["share", "lower", "upper"]].astype(float).round(2).tolist()
    [0.67, 0.21, 0.94]
    """
    named = named_items(triggers, interviews, codebook, level)
    by_item = named.pairs.groupby("item")
    order = list(named.items["item"])
    table = named.items.rename(columns={"item": "code"}) if level == "code" else named.items.drop(columns="item")
    table = table.reset_index(drop=True)
    n_known = len(named.known)
    table["n_interviews"] = by_item.size().reindex(order, fill_value=0).to_numpy(dtype="int64")
    table["n_suspected"] = by_item["is_suspected"].sum().reindex(order, fill_value=0).to_numpy(dtype="int64")
    table["n_children"] = by_item["child_id"].nunique().reindex(order, fill_value=0).to_numpy(dtype="int64")
    table["n_known"] = n_known
    table["n_unknown"] = named.n_held - n_known
    table["n_children_known"] = int(named.known["child_id"].nunique())

    k = table["n_interviews"].to_numpy(dtype="float64")
    n = np.full(len(k), float(n_known))
    table["share"] = k / n_known if n_known else np.nan
    table["lower"], table["upper"] = wilson(k, n)
    effect = _design_effects(named, order, k)
    table["design_effect"] = effect
    shrink = np.maximum(np.nan_to_num(effect, nan=1.0), 1.0)
    table["lower_children"], table["upper_children"] = wilson(k / shrink, n / shrink)

    table = table.sort_values("n_interviews", ascending=False, kind="stable").reset_index(drop=True)
    table.attrs = {
        "note": NOTE,
        "n_not_held_with_triggers": named.n_not_held_with_triggers,
        "n_not_in_codebook": named.n_not_in_codebook,
    }
    return table


def wilson(k: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the Wilson 95 % interval of k of n; n may be an effective (fractional) number. NaN where n is 0.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import numpy as np
    >>> [v.round(3).tolist() for v in wilson(np.array([5.0]), np.array([10.0]))]
    [[0.237], [0.763]]
    """
    safe = np.where(n > 0, n, np.nan)
    p = k / safe
    centre = (p + Z95**2 / (2 * safe)) / (1 + Z95**2 / safe)
    half = Z95 / (1 + Z95**2 / safe) * np.sqrt(p * (1 - p) / safe + Z95**2 / (4 * safe**2))
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def _design_effects(named: Named, order: list[str], k: Floats) -> Floats:
    """Variance of each share with children as clusters, over the variance with interviews as separate."""
    answered = named.known["child_id"].value_counts(sort=False)
    n_children, n = len(answered), float(answered.sum())
    if n_children < 2:
        return np.full(len(order), np.nan)
    tally = named.pairs.groupby(["child_id", "item"]).size().unstack(fill_value=0)
    tally = tally.reindex(index=answered.index, columns=order, fill_value=0)
    p = k / n
    residual = tally.to_numpy(dtype="float64") - np.outer(answered.to_numpy(dtype="float64"), p)
    clustered = (residual**2).sum(axis=0) * n_children / (n_children - 1) / n**2
    separate = p * (1 - p) / n
    effect: Floats = np.divide(clustered, separate, out=np.full(len(order), np.nan), where=separate > 0)
    return effect
