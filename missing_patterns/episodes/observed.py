"""When each child was observed, and why that ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.episodes import arrays as ar
from missing_patterns.episodes.arrays import ABSENT, Ints
from missing_patterns.schema import CHILDREN, ENDED_BY, conform

ADULT_AT = 18


@dataclass(frozen=True, slots=True, repr=False)
class Observed:
    """Per child, in microseconds: `begin` and `born` are ABSENT where not recorded; `reason` is a place in ENDED_BY."""

    begin: Ints
    end: Ints
    reason: Ints
    born: Ints


def observe(
    child_ids: pd.Index, until: pd.Timestamp, children: pd.DataFrame | None, *, adults: bool = False
) -> Observed:
    """Return when observation of each child began, when it ended and why, and the month of birth.

    Observation of a child ends at the first of three moments. What happens at the end of the data is not known yet, so
    at one moment the end of the data stands before the others, and what is recorded of the child before the birthday.

    1. ``end_of_data``: ``until``.
    2. The child's own ``observed_until``, the first day on which an episode would no longer be recorded, for its
       ``exit_reason``; a blank one is ``not_recorded``, or ``turned_18`` if that is when the child did.
    3. ``turned_18``: the first day of the month in which the child turns 18, since the month is all that is known.

    Parameters
    ----------
    child_ids : pd.Index
        The children asked about, in the order of the answer.
    until : pd.Timestamp
        End of the data.
    children : pd.DataFrame or None
        The children table; who is not in it is observed to the end of the data.
    adults : bool, default False
        Whether observation goes on beyond the 18th birthday.

    Returns
    -------
    Observed
        One entry per child.

    Raises
    ------
    TableRefused
        If ``children`` is not the children table.

    Examples
    --------
    >>> children = pd.DataFrame({"child_id": ["A", "B"], "birth_month": ["2008-03-01", None],
    ...                          "observed_until": [None, "2026-02-10"], "exit_reason": [None, "left_care"]})
    >>> observed = observe(pd.Index(["A", "B", "C"]), pd.Timestamp("2026-11-01", tz="Europe/London"), children)
    >>> ar.timestamps(observed.end).dt.strftime("%Y-%m-%d").tolist()
    ['2026-03-01', '2026-02-10', '2026-11-01']
    >>> [ENDED_BY[k] for k in observed.reason]
    ['turned_18', 'left_care', 'end_of_data']
    """
    n = len(child_ids)
    end = np.full(n, ar.utc_us(pd.Series([until]).dt.as_unit("us"))[0], dtype=np.int64)
    reason = np.full(n, ENDED_BY.index("end_of_data"), dtype=np.int64)
    if children is None:
        absent = np.full(n, ABSENT, dtype=np.int64)
        return Observed(absent, end, reason, absent.copy())
    names = ["child_id", "birth_month", "observed_from", "observed_until", "exit_reason"]
    table = conform(children, CHILDREN, only=names).set_index("child_id").reindex(child_ids)
    begin, own, born = (
        ar.midnights(ar.day_numbers(table[column])) for column in ("observed_from", "observed_until", "birth_month")
    )
    grown = ar.midnights(_birthdays(table["birth_month"], ADULT_AT))
    told = pd.Index(ENDED_BY).get_indexer(table["exit_reason"].to_numpy(dtype=object)).astype(np.int64)
    unsaid = np.where(own == grown, ENDED_BY.index("turned_18"), ENDED_BY.index("not_recorded"))
    ends = [(own, np.where(told < 0, unsaid, told))]
    if not adults:
        ends.append((grown, np.full(n, ENDED_BY.index("turned_18"))))
    for at, why in ends:
        sooner = (at != ABSENT) & (at < end)
        end, reason = np.where(sooner, at, end), np.where(sooner, why, reason)
    return Observed(begin, end, reason, born)


def _birthdays(born: pd.Series, age: int) -> Ints:
    """Return the day number of the first day of the month in which each child is so old; ABSENT where not known."""
    months = born.to_numpy().astype("datetime64[M]")
    days: Ints = (months + np.timedelta64(12 * age, "M")).astype("datetime64[D]").astype(np.int64)
    return days
