"""The children and the moments at which they go: lognormal frailty, a short-run boost, and only those on file."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.clock import Flags, Floats, Ints, WeekClock, settle

TYPES = tuple(p.TYPE_SHARES)
CLOCKS = (WeekClock.of(p.HOURS_HOME, p.WEEKDAYS), WeekClock.of(p.HOURS_RESIDENTIAL, p.WEEKDAYS))


@dataclass(frozen=True, slots=True)
class Children:
    """Arrays with one entry per child; times are wall-clock minutes, the rate is episodes a year."""

    rate: Floats
    z: Floats
    type: Ints
    in_care: Flags
    residential: Flags
    born: Floats
    active_from: Floats
    active_until: Floats
    moved: Flags
    drawn_in: Flags

    def __len__(self) -> int:
        return len(self.rate)

    def take(self, rows: npt.NDArray[np.int64] | Flags) -> Children:
        """Return some of the children."""
        return Children(*(getattr(self, f.name)[rows] for f in fields(self)))

    def join(self, other: Children) -> Children:
        """Return these children and others."""
        return Children(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Events:
    """Arrays with one entry per episode, sorted by child and start; ``child`` is a position in Children."""

    child: Ints
    start: Floats
    end: Floats
    is_boost: Flags


@dataclass(frozen=True, slots=True)
class Candidates:
    """Arrays with one entry per moment at which a child might go; ``parent`` is the place of what brings it, or -1.

    Those that fall while the child is away never happen, nor does what they would have brought.
    """

    child: Ints
    start: Floats
    end: Floats
    parent: Ints

    def of(self, wanted: Flags, renumbered: Ints) -> Candidates:
        """Return those wanted, which must hold every parent of theirs, with their children renumbered."""
        place = np.append(np.cumsum(wanted) - 1, -1)
        return Candidates(
            renumbered[self.child[wanted]], self.start[wanted], self.end[wanted], place[self.parent[wanted]]
        )

    def join(self, other: Candidates) -> Candidates:
        """Return these candidates and others, whose children are already numbered after these."""
        parent = np.where(other.parent < 0, -1, other.parent + len(self.child))
        return Candidates(
            np.concatenate([self.child, other.child]),
            np.concatenate([self.start, other.start]),
            np.concatenate([self.end, other.end]),
            np.concatenate([self.parent, parent]),
        )


def eighteenth_birthday(born: Floats) -> Floats:
    """Return the midnight that begins the 18th birthday (29 February becomes 1 March).

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from missing_patterns.synthetic.clock import minutes_of, to_dates
    >>> str(to_dates(eighteenth_birthday(np.array([minutes_of("2008-02-29")])))[0].date())
    '2026-03-01'
    """
    day = (born // p.MINUTES_PER_DAY).astype(np.int64).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    later = (month + np.timedelta64(12 * p.ADULT_AGE, "M")).astype("datetime64[D]") + (day - month)
    return np.asarray(later.astype(np.int64) * p.MINUTES_PER_DAY)


def draw_children(rng: np.random.Generator, n: int, start: float, end: float) -> Children:
    """Draw children of the whole population, most of whom will never go.

    The number at risk grows by ``GROWTH_PER_YEAR``: later birthdays are that much more common.

    Raises
    ------
    Nothing.
    """
    z = rng.standard_normal(n)
    rate = np.minimum(p.RATE_MEDIAN * np.exp(p.RATE_SIGMA * z), p.RATE_CAP)
    year = p.DAYS_PER_YEAR * p.MINUTES_PER_DAY
    first, last = start - p.ADULT_AGE * year, end - p.MIN_AGE * year
    growth = p.GROWTH_PER_YEAR * (last - first) / year
    born = first + (last - first) * np.log1p(rng.random(n) * np.expm1(growth)) / growth
    born = np.floor(born / p.MINUTES_PER_DAY) * p.MINUTES_PER_DAY
    in_care = rng.random(n) < _expit(p.CARE_INTERCEPT + p.CARE_SLOPE * z)
    residential = in_care & (rng.random(n) < _expit(p.RESIDENTIAL_INTERCEPT + p.RESIDENTIAL_SLOPE * z))
    shares = np.array([[p.TYPE_SHARES[t][int(care)] for t in TYPES] for care in (False, True)])
    weights = shares[in_care.astype(int)] * np.exp(np.outer(z, [p.TYPE_SLOPES.get(t, 0.0) for t in TYPES]))
    kinds = _pick_rows(rng.random(n), weights)
    moved_in, moved_out = rng.random(n) < p.MOVED_IN, rng.random(n) < p.MOVED_OUT
    whole_days = np.floor((end - start) / p.MINUTES_PER_DAY)
    day_in = start + np.floor(rng.random(n) * whole_days) * p.MINUTES_PER_DAY
    day_out = start + np.floor(rng.random(n) * whole_days) * p.MINUTES_PER_DAY
    since = np.where(moved_in, day_in, -np.inf)
    until = np.where(moved_out & (day_out > since), day_out, np.inf)
    moved = until < np.minimum(eighteenth_birthday(born), end)
    until = np.minimum(until, eighteenth_birthday(born))
    return Children(rate, z, kinds, in_care, residential, born, since, until, moved, np.zeros(n, bool))


def draw_newly_drawn_in(rng: np.random.Generator, n: int, change: float) -> Children:
    """Draw children who go only from the change on: newly drawn into criminal exploitation.

    Raises
    ------
    Nothing.
    """
    z = rng.standard_normal(n)
    year = p.DAYS_PER_YEAR * p.MINUTES_PER_DAY
    ages = p.CHANGE_AGES[0] + (p.CHANGE_AGES[1] - p.CHANGE_AGES[0]) * rng.random(n)
    born = np.floor((change - ages * year) / p.MINUTES_PER_DAY) * p.MINUTES_PER_DAY
    in_care = rng.random(n) < p.CHANGE_IN_CARE
    return Children(
        rate=p.CHANGE_RATE_MEDIAN * np.exp(p.CHANGE_RATE_SIGMA * z),
        z=z,
        type=np.full(n, TYPES.index(p.CHANGE_TYPE)),
        in_care=in_care,
        residential=in_care & (rng.random(n) < 0.4),
        born=born,
        active_from=np.full(n, change),
        active_until=eighteenth_birthday(born),
        moved=np.zeros(n, bool),
        drawn_in=np.ones(n, bool),
    )


def simulate(rng: np.random.Generator, children: Children, start: float, end: float) -> Events:
    """Draw every child's episodes in ``[start, end)``: spontaneous ones, and those that an earlier one brought.

    A child goes at ``rate`` a year, weighted by age; each episode brings ``BOOST_ALPHA`` others on average, after
    the return, with exponential delay of mean ``BOOST_TAU_DAYS``. Nobody goes while away.

    Raises
    ------
    Nothing.
    """
    candidates = draw_candidates(rng, children, start, end)
    kept = _never_while_away(candidates.child, candidates.start, candidates.end, candidates.parent)
    return happened(candidates, kept, children, start)


def happened(candidates: Candidates, kept: Ints, children: Children, start: float) -> Events:
    """Return the candidates at the positions kept, of those in the window while the child is on file.

    Raises
    ------
    Nothing.
    """
    child, begin = candidates.child, candidates.start
    order = kept[(begin[kept] >= start) & (begin[kept] >= children.active_from[child[kept]])]
    return Events(child[order], begin[order], candidates.end[order], candidates.parent[order] >= 0)


def draw_candidates(rng: np.random.Generator, children: Children, start: float, end: float) -> Candidates:
    """Draw the moments at which children might go, from a burn-in before the window on.

    Raises
    ------
    Nothing.
    """
    since = start - p.BURN_IN_DAYS * p.MINUTES_PER_DAY
    child, begin = _spontaneous(rng, children, since, end)
    finish = settle(begin + _durations(rng, children.type[child]))
    generations = [(child, begin, finish, np.full(len(child), -1))]
    first = 0
    while len(child):
        parent = np.repeat(np.arange(len(child)), rng.poisson(p.BOOST_ALPHA, len(child)))
        delay = -np.log1p(-rng.random(len(parent))) * p.BOOST_TAU_DAYS * p.MINUTES_PER_DAY
        begin = settle(_later(children, child[parent], finish[parent], delay))
        inside = begin < np.minimum(end, children.active_until[child[parent]])
        parent, begin = parent[inside], begin[inside]
        child, first, parent = child[parent], first + len(child), parent + first
        finish = settle(begin + _durations(rng, children.type[child]))
        generations.append((child, begin, finish, parent))
    return Candidates(*(np.concatenate(parts) for parts in zip(*generations, strict=True)))


def _spontaneous(rng: np.random.Generator, children: Children, since: float, end: float) -> tuple[Ints, Floats]:
    year = p.DAYS_PER_YEAR * p.MINUTES_PER_DAY
    tables = np.zeros((2, p.ADULT_AGE + 1))
    tables[:, p.MIN_AGE : p.ADULT_AGE] = p.AGE_WEIGHTS, p.AGE_WEIGHTS_IN_CARE
    highest = tables.max()
    n = rng.poisson(children.rate * highest * (end - since) / year)
    child = np.repeat(np.arange(len(children)), n)
    begin = since + (end - since) * rng.random(len(child))
    begin = settle(_later(children, child, begin, np.zeros(len(child)), even=True))
    age = np.floor((begin - children.born[child]) / year).astype(np.int64)
    weight = tables[children.in_care[child].astype(int), np.clip(age, 0, p.ADULT_AGE)] / highest
    kept = (rng.random(len(child)) < weight) & (begin >= children.active_from[child]) & (begin >= since)
    kept &= begin < np.minimum(end, children.active_until[child])
    return child[kept], begin[kept]


def _later(children: Children, child: Ints, moment: Floats, delay: Floats, even: bool = False) -> Floats:
    """Add even minutes to a moment and read the wall clock of where the child lives."""
    result = np.empty(len(child))
    for lives, clock in enumerate(CLOCKS):
        here = children.residential[child] == bool(lives)
        origin = moment[here] if even else clock.to_even(moment[here])
        result[here] = clock.to_wall(origin + delay[here])
    return result


def _durations(rng: np.random.Generator, kinds: Ints) -> Floats:
    """Minutes away, by type of child."""
    n = len(kinds)
    shares = np.array([p.DURATIONS[t] for t in TYPES])
    band = _pick_rows(rng.random(n), shares[kinds])
    u = rng.random(n)
    short = np.clip(p.SHORT_MEDIAN_HOURS * np.exp(p.SHORT_SIGMA * rng.standard_normal(n)), 0.5, 23.9)
    long = 168.0 + np.minimum(-np.log1p(-u) * p.LONG_MEAN_DAYS, p.LONG_CAP_DAYS) * 24.0
    return np.select([band == 0, band == 1, band == 2], [short, 24.0 + 24.0 * u, 48.0 * 3.5**u**1.4], long) * 60.0


def _never_while_away(child: Ints, begin: Floats, finish: Floats, parent: Ints) -> Ints:
    """Positions kept, by child and start: none begins before the child is back, none outlives what brought it."""
    kept = np.zeros(len(child), bool)
    last_child, back = -1, 0.0
    positions = np.lexsort((begin, child))
    for i in positions.tolist():
        if child[i] != last_child:
            last_child, back = child[i], -np.inf
        if begin[i] >= back + p.MIN_GAP_MINUTES and (parent[i] < 0 or kept[parent[i]]):
            kept[i], back = True, finish[i]
    return positions[kept[positions]]


def on_file(
    rng: np.random.Generator, n: int, start: float, end: float, change: float | None
) -> tuple[Children, Events, Candidates]:
    """Draw until exactly ``n`` children have at least one episode in the window: only such children are on file.

    Raises
    ------
    Nothing.
    """
    n_drawn_in = round(p.CHANGE_SHARE_OF_CHILDREN * n) if change is not None else 0
    children, candidates = _first_n(rng, n - n_drawn_in, 0, (start, end), None)
    if n_drawn_in:
        others, more = _first_n(rng, n_drawn_in, len(children), (start, end), change)
        children, candidates = children.join(others), candidates.join(more)
    kept = _never_while_away(candidates.child, candidates.start, candidates.end, candidates.parent)
    return children, happened(candidates, kept, children, start), candidates


def _first_n(
    rng: np.random.Generator, n: int, number: int, window: tuple[float, float], change: float | None
) -> tuple[Children, Candidates]:
    """Draw batches until ``n`` children have an episode in the window, and number them from ``number`` on."""
    people: list[Children] = []
    found: list[Candidates] = []
    wanted = n
    while wanted:
        batch = 20 * wanted + 50
        start, end = window
        drawn = draw_children(rng, batch, start, end) if change is None else draw_newly_drawn_in(rng, batch, change)
        candidates = draw_candidates(rng, drawn, start, end)
        kept = _never_while_away(candidates.child, candidates.start, candidates.end, candidates.parent)
        who = np.unique(happened(candidates, kept, drawn, start).child)[:wanted]
        renumbered = np.full(batch, -1)
        renumbered[who] = np.arange(len(who)) + number + n - wanted
        people.append(drawn.take(who))
        found.append(candidates.of(renumbered[candidates.child] >= 0, renumbered))
        wanted -= len(who)
    children, candidates = people[0], found[0]
    for others, more in zip(people[1:], found[1:], strict=True):
        children, candidates = children.join(others), candidates.join(more)
    return children, candidates


def _expit(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def _pick_rows(share: Floats, weights: Floats) -> Ints:
    """Pick one column per row by that row's weights."""
    cumulated = np.cumsum(weights, axis=1)
    found = (share[:, None] >= cumulated / cumulated[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(found, weights.shape[1] - 1), dtype=np.int64)
