"""Children's histories laid out so that a likelihood runs over them without a loop over children."""

from __future__ import annotations

import numpy as np

from missing_patterns.recurrence.common import Floats
from missing_patterns.recurrence.dynamics.rows import Rows


class History:
    """Rows by their number within the child, and episodes by unit, units in order of how many they have.

    Parameters
    ----------
    rows : Rows
        Sorted rows.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> rows = Rows(np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([0.0, 4.0, 0.0]), np.array([3.0, 9.0, 9.0]),
    ...             np.array([True, False, True]), np.zeros((3, 0)))
    >>> history = History(rows)
    >>> history.exposure.tolist(), history.n_events.tolist()
    ([8.0, 9.0], [1, 1])
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        n = rows.n_children
        size = np.bincount(rows.child, minlength=n)
        by_size = np.argsort(-size, kind="stable")  # children with many rows first
        rank = np.empty(n, dtype=np.int64)
        rank[by_size] = np.arange(n)
        first = np.concatenate([[0], np.cumsum(size)[:-1]])
        number = np.arange(len(rows.child)) - first[rows.child]
        #: Children with at least one, two, ... rows; and where the rows of each number begin in the layout.
        self.active = np.bincount(number)
        self.begins = np.concatenate([[0], np.cumsum(self.active)])
        place = self.begins[number] + rank[rows.child]
        self.length = np.empty(len(place))
        self.length[place] = rows.stop - rows.start
        # From a row's start to the start of the child's next: an episode's after-effect begins at the return.
        step = np.append(rows.start[1:], 0.0) - rows.start
        self.step = np.empty(len(place))
        self.step[place] = np.where(np.append(rows.child[1:], -1) == rows.child, step, 0.0)
        self.event = np.empty(len(place))
        self.event[place] = rows.event
        self.x: Floats = np.empty(rows.x.shape)
        self.x[place] = rows.x

        n_units = int(rows.unit[-1]) + 1
        n_events = np.bincount(rows.unit, rows.event, minlength=n_units).astype(np.int64)
        unit_order = np.argsort(n_events, kind="stable")
        unit_rank = np.empty(n_units, dtype=np.int64)
        unit_rank[unit_order] = np.arange(n_units)
        self.n_events = n_events[unit_order]
        days = np.bincount(rows.unit, rows.stop - rows.start, minlength=n_units)
        self.exposure: Floats = days[unit_order].astype(np.float64)
        #: The unit of each row in the layout.
        self.unit = np.empty(len(place), dtype=np.int64)
        self.unit[place] = unit_rank[rows.unit]
        child_of_unit = np.empty(n_units, dtype=np.int64)
        child_of_unit[rows.unit] = rows.child
        self.child = child_of_unit[unit_order]
        events = np.flatnonzero(rows.event)
        events = events[np.argsort(unit_rank[rows.unit[events]], kind="stable")]
        #: The row of each episode in the layout, episodes being sorted by unit; and each unit's first episode.
        self.at = place[events]
        self.first_event = np.concatenate([[0], np.cumsum(self.n_events)])
        self.n_children = n

    def excitation(self, decay: float) -> tuple[Floats, Floats]:
        """Return, at each row's start, the sum over the child's returns of exp(-decay x days since), and its slope.

        The slope is the derivative by ``decay``. All children's rows of one number are stepped at once.

        Raises
        ------
        Nothing.

        Examples
        --------
        See :class:`History`.
        """
        fade = np.exp(-decay * self.step)
        state, slope = np.zeros(len(fade)), np.zeros(len(fade))
        begins = self.begins.tolist()
        for k in range(len(begins) - 2):
            here, then = begins[k], begins[k + 1]
            n = begins[k + 2] - then
            now, f, d = state[here : here + n], fade[here : here + n], self.step[here : here + n]
            faded = now * f
            state[then : then + n] = faded + self.event[here : here + n]
            slope[then : then + n] = slope[here : here + n] * f - d * faded
        return state, slope
