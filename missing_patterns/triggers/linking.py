"""Which interview covers which episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.errors import ArgumentRefused
from missing_patterns.schema import EPISODES, INTERVIEWS, LINKS, TEXT, conform
from missing_patterns.triggers.coding import refuse_blank_ids, when_known
from missing_patterns.triggers.lists import Flags, Ints, flatten, number_text, repeats


@dataclass(frozen=True, slots=True)
class Links:
    """Pairs of an episode and an interview as row positions, in the order of the interviews, then of the episodes.

    ``by_time`` says of each pair whether it was found by child and time. The two counts are of incidents named.
    """

    episode: Ints
    interview: Ints
    by_time: Flags
    n_not_found: int
    n_of_another_child: int


def link_interviews(episodes: pd.DataFrame, interviews: pd.DataFrame, within_days: int = 14) -> pd.DataFrame:
    """Return the pairs of an episode and an interview that covers it: many to many.

    An interview that names incidents covers the episodes that hold them. One that names none belongs to the
    child's last return at or before it was held (or, if it was not held, offered), if that is no more than
    ``within_days`` calendar days earlier. An interview whose incidents are not among the episodes, or belong to
    another child, is not linked: guessing another episode for it would credit the wrong one.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table, with ``episode_id``.
    interviews : pd.DataFrame
        The interviews table, with ``interview_id``.
    within_days : int, default 14
        For interviews that name no incident.

    Returns
    -------
    pd.DataFrame
        The links table, in the order of the interviews, then of the episodes. ``.attrs["accounting"]``:
        ``n_interviews = n_by_incident + n_by_time + n_unlinked``; ``n_links``; and of the incidents named,
        ``n_incidents_not_found`` and ``n_incidents_of_another_child``.

    Raises
    ------
    ArgumentRefused
        If ``within_days`` is negative.
    TableRefused
        If a table is not usable, or lacks its id.

    Examples
    --------
    >>> episodes = pd.DataFrame({
    ...     "episode_id": ["E-1", "E-2"], "child_id": ["A", "A"], "missing_from": ["2026-01-05", "2026-01-20"],
    ...     "returned_at": ["2026-01-06 10:00", "2026-01-21 10:00"], "incident_ids": [("1",), ("2",)]})
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["R-1", "R-2"], "child_id": ["A", "A"], "incident_ids": [("1", "2"), None],
    ...     "held_at": ["2026-01-22", "2026-01-08"]})
    >>> link_interviews(episodes, interviews)
      episode_id interview_id linked_by
    0        E-1          R-1  incident
    1        E-2          R-1  incident
    2        E-1          R-2      time
    """
    if within_days < 0:
        raise ArgumentRefused("within_days must not be negative.")
    episodes, interviews = conform(episodes, EPISODES), conform(interviews, INTERVIEWS)
    refuse_blank_ids(interviews)
    links = find_links(episodes, interviews, within_days)
    result = conform(
        pd.DataFrame(
            {
                "episode_id": episodes["episode_id"].array.take(links.episode),
                "interview_id": interviews["interview_id"].array.take(links.interview),
                "linked_by": pd.array(["incident", "time"], dtype=TEXT).take(links.by_time.astype(np.int64)),
            }
        ),
        LINKS,
    )
    n_by_time = int(links.by_time.sum())
    n_by_incident = int((~repeats(links.interview)).sum()) - n_by_time
    result.attrs["accounting"] = {
        "n_interviews": len(interviews),
        "n_by_incident": n_by_incident,
        "n_by_time": n_by_time,
        "n_unlinked": len(interviews) - n_by_incident - n_by_time,
        "n_links": len(result),
        "n_incidents_not_found": links.n_not_found,
        "n_incidents_of_another_child": links.n_of_another_child,
    }
    return result


def find_links(
    episodes: pd.DataFrame,
    interviews: pd.DataFrame,
    within_days: int = 14,
    children: tuple[Ints, Ints] | None = None,
) -> Links:
    """Return what :func:`link_interviews` finds as positions in the two tables.

    Parameters
    ----------
    episodes, interviews : pd.DataFrame
        Conformed tables; of the episodes ``child_id returned_at incident_ids`` are read, of the interviews
        ``child_id incident_ids offered_at held_at``.
    within_days : int, default 14
        For interviews that name no incident.
    children : tuple of arrays, optional
        A number for the child of each episode, from 0, and for the child of each interview, -1 if it has no episode.
        None compares ``child_id``.

    Returns
    -------
    Links
        The pairs, each once.

    Raises
    ------
    Nothing.
    """
    holds, named = flatten(episodes["incident_ids"]), flatten(interviews["incident_ids"])
    number = number_text(holds.items + named.items)
    of_episode, of_interview = number[: len(holds.items)], number[len(holds.items) :]
    # The rows of `holds` that hold an incident stand together once sorted by its number.
    order = np.argsort(of_episode, kind="stable")
    n_holding = np.bincount(of_episode, minlength=int(number.max(initial=-1)) + 1)
    begins = np.cumsum(n_holding) - n_holding
    times = n_holding[of_interview]
    interview = np.repeat(named.row, times)
    within = np.arange(len(interview)) - np.repeat(np.cumsum(times) - times, times)
    episode = holds.row[order][np.repeat(begins[of_interview], times) + within]
    child, child_asked = children or (_objects(episodes["child_id"]), _objects(interviews["child_id"]))
    own = (child[episode] == child_asked[interview]).astype(bool)
    by_incident = np.sort(interview[own] * len(episodes) + episode[own], kind="stable")
    by_incident = by_incident[~repeats(by_incident)]

    blank = np.flatnonzero(named.sizes == 0)
    by_time = np.empty(0, dtype=np.int64)
    if len(blank):
        asked = interviews[["child_id", "held_at", "offered_at"]].iloc[blank]
        found = _last_return(episodes, asked, within_days, children and (children[0], children[1][blank]))
        by_time = (blank * len(episodes) + found)[found >= 0]
    pairs = np.concatenate([by_incident, by_time])
    order = np.argsort(pairs, kind="stable")
    pairs = pairs[order]
    return Links(
        episode=pairs % max(len(episodes), 1),
        interview=pairs // max(len(episodes), 1),
        by_time=order >= len(by_incident),
        n_not_found=int((times == 0).sum()),
        n_of_another_child=int((~own).sum()),
    )


def _last_return(
    episodes: pd.DataFrame, asked: pd.DataFrame, within_days: int, children: tuple[Ints, Ints] | None
) -> Ints:
    """Return, for each interview, the row of the child's last return by then, if it is near enough; else -1."""
    stamp = asked["held_at"].fillna(asked["offered_at"])
    at, returned = _us(when_known(stamp)), episodes["returned_at"]
    if children is None:
        asked_child, names = pd.factorize(_objects(asked["child_id"]))
        index = pd.Index(names, dtype=object)
        child = index.get_indexer(pd.Index(_objects(episodes["child_id"]), dtype=object)).astype(np.int64)
    else:
        child, asked_child = children
    is_asked = np.zeros(max(child.max(initial=-1), asked_child.max(initial=-1)) + 2, dtype=bool)
    is_asked[asked_child] = True
    is_asked[-1] = False  # where -1, no child, is looked up
    rows = np.flatnonzero(is_asked[child] & returned.notna().to_numpy())
    child, time = child[rows], _us(returned.iloc[rows])
    if ((child[1:] < child[:-1]) | ((child[1:] == child[:-1]) & (time[1:] < time[:-1]))).any():
        order = np.lexsort((time, child))
        rows, child, time = rows[order], child[order], time[order]
    # The returns of the child halved until those by then are left: few are asked about, and many returned.
    first, beyond = np.searchsorted(child, asked_child), np.searchsorted(child, asked_child, "right")
    after = first.copy()
    while (open_ := np.flatnonzero(after < beyond)).size:
        middle = (after[open_] + beyond[open_]) // 2
        by_then = time[middle] <= at[open_]
        after[open_[by_then]] = middle[by_then] + 1
        beyond[open_[~by_then]] = middle[~by_then]
    has = (after > first) & stamp.notna().to_numpy()
    found = np.full(len(asked), -1, dtype=np.int64)
    found[has] = rows[after[has] - 1]
    days = _london_days(stamp[has]) - _london_days(returned.iloc[found[has]])
    found[has] = np.where(days <= within_days, found[has], -1)
    return found


def _objects(texts: pd.Series) -> npt.NDArray[np.object_]:
    return np.asarray(texts.array, dtype=object)


def _us(times: pd.Series) -> Ints:
    us: Ints = times.to_numpy(dtype="datetime64[us]").astype(np.int64)
    return us


def _london_days(times: pd.Series) -> Ints:
    days: Ints = times.dt.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)
    return days
