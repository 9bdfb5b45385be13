"""What was known of each return when the child came back: a small default set, or the caller's own columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.recurrence.common import Floats
from missing_patterns.schema import CHILDREN, EPISODES, Column, Table, conform

#: Covariates that are made where none are given, in words.
WORDS = {
    "episode_no": "episodes so far",
    "n_episodes_28d": "episodes in 28 days",
    "n_episodes_90d": "episodes in 90 days",
    "n_episodes_365d": "episodes in 365 days",
    "rate_so_far": "episodes a year so far",
    "gap_days": "days between the last two episodes",
    "duration_hours": "hours away",
    "age": "age",
    "is_16_or_over": "16 or over",
    "in_placement": "in a placement",
    "out_of_area": "placed outside the area",
    "not_missing": "away or no apparent risk",
    "back_at_weekend": "back at the weekend",
    "female": "female",
}
KEYS = ("episode_id", "child_id", "index_at", "interview_id")
_IDS = Table("covariates", "what was known of one return", (Column("episode_id", "id", "the episode", required=True),))
_SETTLED_DAYS = 60.0  # added to the time on file, so that a child just come on file has no huge rate


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Covariates:
    """Standardised columns, one row per return: mean 0, standard deviation 1.

    Parameters
    ----------
    matrix : array [n, p]
        The columns.
    names : tuple of str
        Their names.
    left_out : tuple of str
        Columns that say nothing beyond the others: constant, or given by them.
    n_filled : dict
        How many values of a column were not recorded and took its mean; each has a flag of its own.

    Raises
    ------
    Nothing.
    """

    matrix: Floats
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    n_filled: dict[str, int]

    def __repr__(self) -> str:
        return f"Covariates: {len(self.names)} of {len(self.matrix):,} returns"


def default_covariates(episodes: pd.DataFrame, children: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return what the episodes themselves say of each return, from what was known when the child came back.

    Counts and times are on a log scale (of one more than the number), since a second episode says more than a
    twentieth.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table, with ``episode_id``.
    children : pd.DataFrame, optional
        The children table, for age, sex and how long the child has been on file. Care status is not read from it: it
        holds the latest one, which may be later than the return.

    Returns
    -------
    pd.DataFrame
        ``episode_id`` and the covariates, one row per returned episode; NaN = not recorded.

    Raises
    ------
    TableRefused
        If a table is not usable.

    Examples
    --------
    >>> episodes = pd.DataFrame({
    ...     "episode_id": ["E-1", "E-2"], "child_id": ["A", "A"], "missing_from": ["2026-01-05", "2026-01-20"],
    ...     "returned_at": ["2026-01-06 10:00", "2026-01-21 10:00"]})
    >>> np.expm1(default_covariates(episodes)["n_episodes_28d"]).round().tolist()
    [1.0, 2.0]
    """
    table = conform(episodes, EPISODES)
    table = table.sort_values(["child_id", "missing_from"], kind="stable", ignore_index=True)
    child = pd.factorize(table["child_id"])[0]
    origin = table["missing_from"].min()
    begin, back = (_days(table[c], origin) for c in ("missing_from", "returned_at"))
    first = np.flatnonzero(np.diff(child, prepend=-1))
    number = np.arange(len(table)) - np.repeat(first, np.diff(np.append(first, len(table)))) + 1.0
    since = begin[first][child] if len(table) else begin
    wall = table["returned_at"].dt.tz_localize(None)
    columns = {"episode_no": np.log1p(number)}
    # Whole seconds, each child's beyond those of the one before: an episode at the very edge of [t - d, t) counts.
    apart = np.int64(10**11)
    seconds = np.nan_to_num(np.round(np.array([begin, back]) * 86_400)).astype(np.int64) + child * apart
    for days in (28, 90, 365):
        edge = np.maximum(seconds[1] - 86_400 * days, child * apart - apart // 2)
        earlier = np.searchsorted(seconds[0], edge)
        columns[f"n_episodes_{days}d"] = np.log1p(np.maximum(np.arange(len(table)) + 1 - earlier, 0.0))
    gap = np.full(len(table), np.nan)
    gap[1:] = np.where(child[1:] == child[:-1], begin[1:] - back[:-1], np.nan)
    columns["gap_days"] = np.log1p(np.maximum(gap, 0.0))
    columns["duration_hours"] = np.log1p(np.maximum(24 * (back - begin), 0.0))
    if children is not None:
        people = conform(children, CHILDREN).set_index("child_id").reindex(table["child_id"])
        on_file = _days(pd.Series(people["observed_from"].array).dt.tz_localize(table["missing_from"].dt.tz), origin)
        since = np.fmin(since, on_file)
        age = ((wall - pd.Series(people["birth_month"].array)) / pd.Timedelta(days=365.25)).to_numpy(dtype=np.float64)
        columns |= {"age": age, "is_16_or_over": np.where(np.isnan(age), np.nan, age >= 16)}
        told = people["sex"].isin(["female", "male"]).to_numpy(dtype=bool)
        columns["female"] = np.where(told, people["sex"].isin(["female"]).to_numpy(dtype=bool), np.nan)
    columns["rate_so_far"] = np.log(number / (back - since + _SETTLED_DAYS))
    placed = table["placement_type"].notna().to_numpy(dtype=bool)
    columns["in_placement"] = placed.astype(np.float64)
    area = table["in_area"].to_numpy(dtype=np.float64, na_value=np.nan)
    columns["out_of_area"] = np.where(placed, 1.0 - area, 0.0)
    category = table["category"].fillna("missing").to_numpy(dtype=object)
    columns["not_missing"] = (category != "missing").astype(np.float64)
    columns["back_at_weekend"] = (wall.dt.day_of_week >= 5).to_numpy(dtype=np.float64)
    frame = pd.DataFrame({name: columns[name] for name in WORDS if name in columns})
    frame.insert(0, "episode_id", table["episode_id"])
    return frame[table["returned_at"].notna()].reset_index(drop=True)


def _days(times: pd.Series, origin: pd.Timestamp) -> Floats:
    return np.asarray((times - origin) / pd.Timedelta(days=1), dtype=np.float64)


def read_covariates(covariates: pd.DataFrame, episode_id: pd.Series) -> Covariates:
    """Put columns in the order of the returns, fill what is not recorded, standardise, and leave out what repeats.

    Parameters
    ----------
    covariates : pd.DataFrame
        ``episode_id`` and columns of numbers or flags.
    episode_id : pd.Series
        The returns.

    Returns
    -------
    Covariates

    Raises
    ------
    TableRefused
        If ``episode_id`` is absent or stands twice, a return has no row, or a column is not of numbers.
    ArgumentRefused
        If no column says anything.

    Examples
    --------
    >>> given = pd.DataFrame({"episode_id": ["E-1", "E-2"], "age": [14, 16], "same": [1, 1]})
    >>> read = read_covariates(given, pd.Series(["E-2", "E-1"]))
    >>> read.matrix.tolist(), read.left_out
    ([[1.0], [-1.0]], ('same',))
    """
    if "episode_id" not in covariates.columns:
        raise TableRefused.of_problems("covariates", ["column 'episode_id' is absent"])
    ids = pd.Index(conform(covariates[["episode_id"]], _IDS)["episode_id"].to_numpy(dtype=object))
    if not ids.is_unique:
        raise TableRefused.of_problems(
            "covariates", [f"{int(ids.duplicated().sum())} rows stand for an episode that already has one"]
        )
    at = ids.get_indexer(pd.Index(episode_id.to_numpy(dtype=object)))
    if (at < 0).any():
        raise TableRefused.of_problems(
            "covariates", [f"{int((at < 0).sum())} returns have no row; build_features gives one for each"]
        )
    values: dict[str, Floats] = {}
    n_filled: dict[str, int] = {}
    not_numbers = []
    for name in (c for c in covariates.columns if c not in KEYS):
        column = covariates[name].iloc[at]
        if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)):
            not_numbers.append(f"column '{name}' is not of numbers or flags; use pd.get_dummies, or leave it out")
            continue
        value = column.to_numpy(dtype=np.float64, na_value=np.nan)
        blank = ~np.isfinite(value)
        if blank.any():
            n_filled[str(name)] = int(blank.sum())
            value = np.where(blank, value[~blank].mean() if (~blank).any() else 0.0, value)
            values[f"{name} not recorded"] = blank.astype(np.float64)
        values[str(name)] = value
    if not_numbers:
        raise TableRefused.of_problems("covariates", not_numbers)
    return _independent(values, n_filled, len(episode_id))


def _independent(values: dict[str, Floats], n_filled: dict[str, int], n: int) -> Covariates:
    """Keep the columns that vary and are not given by those before them."""
    kept: list[str] = []
    left_out: list[str] = []
    basis = np.empty((n, 0))
    columns = []
    flags_last = sorted(values, key=lambda name: name.endswith(" not recorded"))
    for name in flags_last:
        value = values[name] - values[name].mean()
        spread = float(np.sqrt(np.mean(value**2)))
        if spread <= 1e-9 * max(1.0, float(np.abs(values[name]).max(initial=0.0))):
            left_out.append(name)
            continue
        value = value / spread
        rest = value - basis @ (basis.T @ value)
        rest = rest - basis @ (basis.T @ rest)
        size = float(np.sqrt(rest @ rest))
        if size < 1e-3 * np.sqrt(n):
            left_out.append(name)
            continue
        basis = np.column_stack([basis, rest / size])
        columns.append(value)
        kept.append(name)
    if not kept:
        raise ArgumentRefused("no covariate says anything: every column is constant.")
    return Covariates(np.column_stack(columns), tuple(kept), tuple(left_out), n_filled)
