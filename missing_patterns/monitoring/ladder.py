"""The ladder of return interviews: returned, due, offered, accepted, held, held in time, with both denominators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused, TableRefused, positions
from missing_patterns.monitoring.common import Bools, new_axes, wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Which status speaks for an episode that has several interviews: the most that is known to have happened.
_RANK = {
    **dict.fromkeys(schema.HELD, 0),
    "accepted_not_held": 1,
    "declined": 2,
    "offered_pending": 3,
    "not_offered_missing_again": 4,
    "not_offered_no_contact": 5,
    "not_offered_other": 6,
    **dict.fromkeys(schema.NOT_DUE, 7),
    "unknown": 8,
}
#: Status of an episode that no interview is linked to.
NO_INTERVIEW = "none"

RUNGS = {
    "returned": "episodes from which the child has returned",
    "due": "of those, an interview was due: all but not due and not required; nothing recorded counts as due",
    "offered": "of those due, an interview was offered",
    "accepted": "of those offered, the child agreed, whether or not it was held",
    "held": "of those accepted, an interview was held in full or in part, or another interview covered the episode",
    "held_in_72h": "of those held, it is known to have been held within the hours allowed (72 by guidance)",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class InterviewLadder:
    """How far each return got on the way to an interview. Made by :func:`interview_ladder`.

    Parameters
    ----------
    episodes : pd.DataFrame
        One row per returned episode: ``episode_id child_id returned_at status interview_id n_interviews
        hours_to_interview precision in_72h``. ``status`` is that of its best interview, or ``"none"``.
        ``hours_to_interview`` is NaN unless held at a known time after the return; where ``precision`` is ``day`` it is
        24 times the days between the dates. ``in_72h`` is whether it was held within ``due_hours``, not recorded if
        it was held at a time that is not known.
    table : pd.DataFrame
        One row per rung, see :meth:`summary`.
    statuses : pd.DataFrame
        One row per status found: ``status n_episodes n_children``, in the order of the ladder.
    due_hours : int
        Hours allowed after the return.
    n_held_time_known : int
        Held interviews (by episode) whose time is known: the denominator of ``share_of_held``.
    n_held_before_return : int
        Pairs of an episode and a held interview that was held before the return; their time is not used.
    n_links_unused : int
        Links that name an episode or interview which is not in the tables, or an episode not returned from.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`interview_ladder`.
    """

    episodes: pd.DataFrame
    table: pd.DataFrame
    statuses: pd.DataFrame
    due_hours: int
    n_held_time_known: int
    n_held_before_return: int
    n_links_unused: int

    def __repr__(self) -> str:
        n = self.table.set_index("rung")["n_episodes"]
        counts = ", ".join(f"{n[rung]:,} {rung}" for rung in ("due", "offered", "held"))
        return f"InterviewLadder: {n['returned']:,} returned, {counts}"

    def summary(self) -> pd.DataFrame:
        """Return the rungs with episodes, distinct children and shares.

        Returns
        -------
        pd.DataFrame
            One row per rung: ``rung definition n_episodes n_children``, then ``share lower upper`` of each of three
            denominators, as ``share_of_due lower_of_due upper_of_due``, ``..._of_offered`` and ``..._of_held``
            (95 %, Wilson; NaN where the rung is not below the denominator). ``share_of_held`` is of held interviews
            whose time is known.

        Raises
        ------
        Nothing.
        """
        return self.table.copy()

    def explain(self) -> str:
        """Say in plain English what was counted, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        rows = self.table.set_index("rung")
        n = rows["n_episodes"]
        if not n["due"]:
            return "No interview was due after these episodes, so there is no ladder to climb."
        n_none = int(self.statuses.loc[self.statuses["status"].isin(["unknown", NO_INTERVIEW]), "n_episodes"].sum())
        held = f"{n['held']:,} had one: {rows['share_of_due']['held']:.0%} of those due"
        if n["offered"]:
            held += f", {rows['share_of_offered']['held']:.0%} of those offered"
        untimed = n["held"] - self.n_held_time_known
        said = [
            f"An interview was due after {n['due']:,} of {n['returned']:,} returns",
            f"{n['offered']:,} were offered one and {held}",
            f"{n['held_in_72h']:,} are known to have been held within {self.due_hours} hours of the return",
            f"For {untimed:,} of those held the time is not known",
            f"For {n_none:,} returns nothing was recorded: they count as due and not offered",
            "Published figures use one denominator or the other, so both are printed",
            "A declined offer does not count as an interview",
            "Where only dates are known, an interview is in time up to the matching date",
            "Episodes of one child are alike, so the true uncertainty is wider than the intervals",
            "A low share can mean that interviews were not held, or that they were not written down",
        ]
        return ". ".join(said) + "."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the rungs as horizontal bars of episodes, the first on top.

        Raises
        ------
        Nothing.
        """
        ax = new_axes(ax)
        ax.margins(x=0.1)
        bars = ax.barh(self.table["rung"].tolist(), self.table["n_episodes"].tolist())
        ax.bar_label(bars, padding=3)
        ax.invert_yaxis()
        ax.set_xlabel("Episodes")
        return ax


def _pairs(returned: pd.DataFrame, interviews: pd.DataFrame, links: pd.DataFrame, due_hours: int) -> pd.DataFrame:
    """Return one row per returned episode and interview that covers it, with when it was held after the return."""
    pairs = links[["episode_id", "interview_id"]].drop_duplicates()
    pairs = pairs.merge(returned[["episode_id", "returned_at", "precision"]], on="episode_id")
    pairs = pairs.merge(interviews[["interview_id", "status", "held_at"]], on="interview_id")
    pairs["status"] = pairs["status"].fillna("unknown")
    held_day, return_day = (pairs[c].dt.tz_localize(None).dt.normalize() for c in ("held_at", "returned_at"))
    by_day: Bools = (pairs["precision"] == "day").to_numpy(dtype=bool, na_value=False) | (
        pairs["held_at"].dt.tz_localize(None) == held_day
    ).to_numpy()
    days = (held_day - return_day).dt.days.to_numpy(dtype=np.float64)
    hours = (pairs["held_at"] - pairs["returned_at"]).dt.total_seconds().to_numpy(dtype=np.float64) / 3600
    hours = np.where(by_day, 24 * days, hours)
    is_held = pairs["status"].isin(schema.HELD).to_numpy()
    pairs["is_before"] = is_held & (hours < 0)
    pairs["hours_to_interview"] = np.where(is_held & (hours >= 0), hours, np.nan)
    pairs["precision"] = pd.Series(np.where(by_day, "day", "minute"), dtype=schema.TEXT)
    # 24 * days <= due_hours rounded up to whole days: held on or before the matching date.
    allowed = np.where(by_day, 24 * np.ceil(due_hours / 24), due_hours)
    pairs["in_time"] = pairs["hours_to_interview"] <= allowed
    return pairs


def _best(pairs: pd.DataFrame) -> pd.DataFrame:
    """Keep each episode's best interview: the highest status, among held ones the earliest that is known."""
    ranked = pairs.assign(
        rank=pairs["status"].map(_RANK), order=pairs["status"].map({s: i for i, s in enumerate(schema.STATUSES)})
    )
    ranked = ranked.sort_values(["rank", "hours_to_interview", "order", "interview_id"], na_position="last")
    ranked["n_interviews"] = ranked.groupby("episode_id")["interview_id"].transform("size")
    return ranked.drop_duplicates("episode_id")


def _per_episode(returned: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per returned episode with its best interview."""
    best = _best(pairs)[
        ["episode_id", "interview_id", "status", "n_interviews", "hours_to_interview", "precision", "in_time"]
    ]
    table = returned[["episode_id", "child_id", "returned_at"]].merge(best, on="episode_id", how="left")
    table["status"] = table["status"].astype(schema.TEXT).fillna(NO_INTERVIEW)
    table["n_interviews"] = table["n_interviews"].astype("Int64").fillna(0)
    timed = table["hours_to_interview"].notna()
    in_time = table["in_time"].astype("boolean").fillna(False) & timed
    is_held = table["status"].isin(schema.HELD)
    table["in_72h"] = in_time.mask(is_held & ~timed)
    table["precision"] = table["precision"].where(timed)
    columns = "episode_id child_id returned_at status interview_id n_interviews hours_to_interview precision in_72h"
    return table[columns.split()]


def _rungs(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Count episodes and children on each rung, with shares; also held interviews whose time is known."""
    status = table["status"]
    on = {
        "returned": pd.Series(True, index=table.index),
        "due": ~status.isin(schema.NOT_DUE),
        "offered": status.isin(schema.OFFERED),
        "accepted": status.isin([*schema.HELD, "accepted_not_held"]),
        "held": status.isin(schema.HELD),
        "held_in_72h": table["in_72h"].fillna(False).astype(bool),
    }
    n = {rung: int(flag.sum()) for rung, flag in on.items()}
    known = int(table["hours_to_interview"].notna().sum())
    rows = []
    names = list(RUNGS)
    for rung, definition in RUNGS.items():
        row: dict[str, object] = {"rung": rung, "definition": definition, "n_episodes": n[rung]}
        row["n_children"] = table.loc[on[rung], "child_id"].nunique()
        for below in ("due", "offered", "held"):
            of = known if below == "held" else n[below]
            under = names.index(rung) > names.index(below)
            shares = wilson(n[rung], of) if under else (1.0 if rung == below and of else np.nan, np.nan, np.nan)
            row |= dict(zip((f"{part}_of_{below}" for part in ("share", "lower", "upper")), shares, strict=True))
        rows.append(row)
    return pd.DataFrame(rows), known


def interview_ladder(
    episodes: pd.DataFrame, interviews: pd.DataFrame, links: pd.DataFrame, *, due_hours: int = 72
) -> InterviewLadder:
    """Count how far each return got: due, offered, accepted, held, held within the hours allowed.

    An episode with several interviews is on the highest rung that any of them reached (held, accepted but not held,
    declined, offered, not offered, not due, not known); of several held, the earliest after the return counts.

    Parameters
    ----------
    episodes : pd.DataFrame
        One row per episode: ``episode_id child_id missing_from returned_at precision``. Episodes without a return are
        left out. Hand in those that the figure is about, for example the returns of a month.
    interviews : pd.DataFrame
        One row per interview process: ``interview_id child_id status held_at``.
    links : pd.DataFrame
        One row per pair: ``episode_id interview_id``, as :func:`missing_patterns.link_interviews` gives.
    due_hours : int, default 72
        Hours after the return within which an interview is due (statutory guidance, DfE 2014).

    Returns
    -------
    InterviewLadder
        With counts of episodes and of distinct children, and shares of both denominators.

    Raises
    ------
    TableRefused
        If a table lacks a column or holds codes that are not allowed, or an episode has no ``episode_id``.
    ArgumentRefused
        If ``due_hours`` is not a whole number above 0.

    Notes
    -----
    An interview recorded at exactly midnight, or an episode of day precision, is known to the day only: it is in time
    if held on or before the date ``due_hours`` / 24 days (rounded up) after the date of the return.

    Examples
    --------
    >>> episodes = pd.DataFrame({
    ...     "episode_id": ["E1", "E2", "E3"],
    ...     "child_id": ["A", "A", "B"],
    ...     "missing_from": ["2026-10-01 20:00", "2026-10-08 20:00", "2026-10-09 20:00"],
    ...     "returned_at": ["2026-10-02 01:00", "2026-10-09 01:00", "2026-10-10 01:00"],
    ... })
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["I1", "I2"],
    ...     "child_id": ["A", "A"],
    ...     "status": ["completed", "declined"],
    ...     "held_at": ["2026-10-04 15:00", None],
    ... })
    >>> links = pd.DataFrame({"episode_id": ["E1", "E2"], "interview_id": ["I1", "I2"]})
    >>> ladder = interview_ladder(episodes, interviews, links)
    >>> ladder
    InterviewLadder: 3 returned, 3 due, 2 offered, 1 held
    >>> ladder.summary()[["rung", "n_episodes", "n_children", "share_of_due", "share_of_offered"]].round(2)
              rung  n_episodes  n_children  share_of_due  share_of_offered
    0     returned           3           2           NaN               NaN
    1          due           3           2          1.00               NaN
    2      offered           2           1          0.67               1.0
    3     accepted           1           1          0.33               0.5
    4         held           1           1          0.33               0.5
    5  held_in_72h           1           1          0.33               0.5
    """
    if isinstance(due_hours, bool) or not isinstance(due_hours, int | np.integer) or due_hours <= 0:
        raise ArgumentRefused("due_hours must be a whole number of hours above 0.")
    schema.require(episodes, ["episode_id", "returned_at"], "episodes")
    schema.require(interviews, ["interview_id", "status"], "interviews")
    frame = schema.conform(episodes, schema.EPISODES)
    asked = schema.conform(interviews, schema.INTERVIEWS)
    joined = schema.conform(links, schema.LINKS)
    if (blank := frame["episode_id"].isna().to_numpy()).any():
        at = positions([int(i) for i in np.flatnonzero(blank)])
        raise TableRefused.of_problems("episodes", [f"column 'episode_id' is blank at {at}"])
    returned = frame[frame["returned_at"].notna()].reset_index(drop=True)
    pairs = _pairs(returned, asked, joined, due_hours)
    table = _per_episode(returned, pairs)
    rungs, known = _rungs(table)
    order = [*schema.STATUSES, NO_INTERVIEW]
    statuses = table.groupby("status")["child_id"].agg(n_episodes="size", n_children="nunique")
    statuses = statuses.reindex([s for s in order if s in statuses.index]).rename_axis("status").reset_index()
    return InterviewLadder(
        episodes=table,
        table=rungs,
        statuses=statuses,
        due_hours=int(due_hours),
        n_held_time_known=known,
        n_held_before_return=int(pairs["is_before"].sum()),
        n_links_unused=len(joined[["episode_id", "interview_id"]].drop_duplicates()) - len(pairs),
    )
