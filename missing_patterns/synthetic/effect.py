"""An effect of return interviews that is planted: once one is held, the child goes again at a share of the rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from missing_patterns.errors import ArgumentRefused
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.care import Spells, spell_at
from missing_patterns.synthetic.clock import Flags, Floats, Ints
from missing_patterns.synthetic.incidents import in_order, out_of_area_at, pick_category, years_old
from missing_patterns.synthetic.interviews import Chances, Luck, draw_luck, held_if_back
from missing_patterns.synthetic.population import Candidates, Children, Events, happened


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn of each absence before it was known which would happen, in the order of absences."""

    category: Ints
    luck: Luck


def check_effect(value: object) -> float:
    """Return the effect to plant; refuse what is none.

    Raises
    ------
    ArgumentRefused
        If it is not a number above 0 and at most 1.

    Examples
    --------
    >>> check_effect(1)
    1.0
    """
    known = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not known or not 0 < float(value) <= 1:  # type: ignore[arg-type]
        raise ArgumentRefused(
            "interview_effect must be a number above 0 and at most 1: 1 for no effect, 0.6 for four in ten fewer."
        )
    return float(value)  # type: ignore[arg-type]


def with_effect(
    rng: np.random.Generator,
    children: Children,
    candidates: Candidates,
    spells: Spells,
    *,
    effect: float,
    window: tuple[float, float],
) -> tuple[Events, Drawn]:
    """Let candidates happen in order of time, each thinned by the effect if the child was interviewed since returning.

    After an interview was held a candidate happens with chance ``effect``. One that does not happen brings no others,
    and what would have fallen into it may happen; the child stays exposed until one does. So the child's whole rate,
    own and brought, is multiplied from the interview to the next episode, exactly. Interviews are those of the window,
    since nobody is on file before it: no child's first episode in the window is ever thinned.

    Parameters
    ----------
    rng : Generator
        For which candidates happen, and for the interviews.
    children : Children
        Those on file.
    candidates : Candidates
        The moments at which they might go.
    spells : Spells
        Where they live.
    effect : float
        Above 0 and at most 1.
    window : (float, float)
        Start and end in minutes.

    Returns
    -------
    events : Events
        What happened in the window.
    drawn : Drawn
        What the interviews rest on, so that those held are those that had the effect.

    Raises
    ------
    Nothing.
    """
    start, end = window
    n = len(candidates.child)
    share, category = rng.random(n), pick_category(rng.random(n))
    luck = draw_luck(rng, n)
    held = _held_at(children, candidates, spells, category, luck)
    first, begin, by = candidates.child, candidates.start, candidates.parent
    on_file = (begin >= start) & (begin >= children.active_from[first])
    kept = np.zeros(n, bool)
    last, back, number, interviewed = -1, 0.0, 0, np.inf
    positions = np.lexsort((begin, first))
    for i in positions.tolist():
        if first[i] != last:
            last, back, number, interviewed = first[i], -np.inf, 0, np.inf
        if begin[i] < back + p.MIN_GAP_MINUTES or (by[i] >= 0 and not kept[by[i]]):
            continue
        if begin[i] > interviewed and share[i] >= effect:
            continue
        kept[i], back, interviewed = True, candidates.end[i], np.inf
        if on_file[i]:
            interviewed = held[i, min(number, 10)]
            interviewed = interviewed if interviewed < end else np.inf
            number += 1
    order = positions[kept[positions]]
    events = happened(candidates, order, children, start)
    shown = order[on_file[order]][in_order(events)]
    return events, Drawn(category[shown], luck.take(shown))


def _held_at(children: Children, candidates: Candidates, spells: Spells, category: Ints, luck: Luck) -> Floats:
    """When the interview is held if the child is back for so long, or inf: a column for 0 to 10 earlier absences."""
    spell = spell_at(spells, candidates.child, candidates.start)
    age = years_old(children, candidates.child, candidates.start)
    chances = Chances.of(out_of_area_at(spells, spell), age)
    required, _, held = held_if_back(luck, category, candidates.end)
    willing: Flags = np.column_stack([chances.is_willing(luck, number) for number in range(1, 12)])
    return np.where(willing & required[:, None], held[:, None], np.inf)
