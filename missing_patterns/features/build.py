"""The feature table: what is asked for is found out, each family of features fills its columns, block by block."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.episodes.arrays import DAY_US
from missing_patterns.errors import ArgumentRefused
from missing_patterns.features import of_episodes, of_interviews, of_moments, of_placements, of_places, of_triggers
from missing_patterns.features.asked import Asked, Talks, ask_all
from missing_patterns.features.blocks import ROWS, Block, Given, cut
from missing_patterns.features.calendar import Calendar, read_calendar
from missing_patterns.features.columns import Columns
from missing_patterns.features.default import feature_specs
from missing_patterns.features.facts import OF_TRIGGERS
from missing_patterns.features.history import History, is_in_place
from missing_patterns.features.london import London
from missing_patterns.features.specs import Spec, check_days, check_specs
from missing_patterns.schema import EPISODES, TRIGGERS, conform

#: Beyond this, threads wait for memory rather than reckon.
MOST_THREADS = 4

#: Each family: which features it knows, which columns of the episodes table it reads, and what fills its columns.
FAMILIES = (
    (of_episodes.knows, of_episodes.READS, of_episodes.OfEpisodes),
    (of_moments.knows, of_moments.READS, of_moments.OfMoments),
    (of_placements.knows, of_placements.READS, of_placements.OfPlacements),
    (of_interviews.knows, of_interviews.READS, of_interviews.OfInterviews),
    (of_triggers.knows, of_triggers.READS, of_triggers.OfTriggers),
    (of_places.knows, of_places.READS, of_places.OfPlaces),
)
#: Columns of the episodes table without which nothing can be asked.
READS = ("episode_id", "child_id", "episode_no", "missing_from", "returned_at", "precision")


def build_features(  # noqa: PLR0913 - the tables and the choices, all named
    episodes: pd.DataFrame,
    triggers: pd.DataFrame,
    *,
    interviews: pd.DataFrame | None = None,
    placements: pd.DataFrame | None = None,
    index: str | pd.DataFrame = "returned_at",
    lookback_days: Sequence[int] = (28, 90, 365),
    horizon_days: Sequence[int] = (7, 28, 90),
    specs: Sequence[Spec] | None = None,
    codebook: Codebook | None = None,
    calendar: Calendar | None = None,
) -> pd.DataFrame:
    """Return one row per moment asked about, with what was known of the child at that moment and nothing later.

    A lookback of `d` days before t = ``index_at`` is ``[t - d x 24 hours, t)``. A fact counts in it when its time lies
    in there **and** it was known by t: an episode when it began (its hours and where it ended, when it had ended), a
    trigger when the interview was held (it is dated by the start of each episode that its interview covers and that had
    begun; without ``interviews``, by when it was known), an offer when it was made, a placement at the end of its first
    day. Where only the day of an interview is known, it is known when the day has ended.

    Parameters
    ----------
    episodes : pd.DataFrame
        The episodes table of ``build_episodes``.
    triggers : pd.DataFrame
        The trigger table of ``code_triggers``; present and suspected count as named. Each episode counts once for each
        code, and once for each domain.
    interviews : pd.DataFrame, optional
        The interviews table. With it, triggers are dated by episodes, and interviews are counted.
    placements : pd.DataFrame, optional
        The placements table, for the placement at the index, and moves.
    index : {"returned_at", "interview"} or DataFrame, default "returned_at"
        The moments asked about. ``"returned_at"``: each return, about the episode that ended with it. ``"interview"``:
        each interview held, about the latest episode begun by then that it covers. A table ``child_id index_at``: each
        of its rows, about the latest episode begun before; a bare date is its midnight, rows that stand twice stay, and
        a child need not have any episode.
    lookback_days : sequence of int, default (28, 90, 365)
        Different whole days, each at least 1; used where ``specs`` are not given.
    horizon_days : sequence of int, default (7, 28, 90)
        Only checked: one set of arguments serves this function and ``build_outcomes``. Outcomes are never among these.
    specs : sequence of Spec, optional
        Just these features, in this order; None takes :func:`feature_specs`, less those whose table is not given.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.
    calendar : Calendar, optional
        School terms and bank holidays, of ``read_calendar``; None takes the packaged ones.

    Returns
    -------
    pd.DataFrame
        ``child_id episode_id index_at`` (for interviews ``interview_id`` before ``index_at``), then the features, whose
        names spell their definition (``n_episodes_90d``, ``any_home_conflict_365d``); :func:`feature_dictionary` words
        each. Sorted by child, time and episode, whatever the order of the input. Counts are int32, flags bool, measures
        float64 (NaN = not recorded or none), flags that may be not known "boolean", ``placement_type`` text.

    Raises
    ------
    ArgumentRefused
        If an argument is not one that is known, a feature needs a table that is not given, or a code of the codebook is
        named as a domain.
    TableRefused
        If a table is not usable.

    Examples
    --------
    >>> from missing_patterns.episodes import build_episodes
    >>> from missing_patterns.triggers import code_triggers
    >>> episodes = build_episodes(pd.DataFrame({
    ...     "child_id": ["A", "A"], "missing_from": ["2026-01-05 21:00", "2026-01-09 20:00"],
    ...     "returned_at": ["2026-01-06 01:00", "2026-01-09 23:00"]}), observed_until="2026-01-31")
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["1"], "child_id": ["A"], "status": ["completed"], "held_at": ["2026-01-07 10:00"],
    ...     "coded_triggers": [("home_conflict",)]})
    >>> X = build_features(episodes, code_triggers(interviews), interviews=interviews, lookback_days=[28])
    >>> X[["n_episodes_28d", "missing_hours_28d", "days_since_return", "any_home_conflict_28d"]]
       n_episodes_28d  missing_hours_28d  days_since_return  any_home_conflict_28d
    0               1                4.0                NaN                  False
    1               2                7.0           3.916667                   True
    """
    check_days(horizon_days, "horizon_days")
    book = read_codebook() if codebook is None else codebook
    chosen = _choose(specs, lookback_days, book, {"interviews": interviews, "placements": placements})
    families = [(reads, make, [s for s in chosen if knows(s)]) for knows, reads, make in FAMILIES]
    families = [family for family in families if family[2]]

    of_triggers_too = any(make is of_triggers.OfTriggers for _, make, _ in families)
    needs_talks = interviews is not None and (of_triggers_too or any(s.needs == "interviews" for s in chosen))
    reads = {*READS, *(name for family in families for name in family[0])}
    if interviews is not None:
        reads.add("incident_ids")
    table = conform(episodes, EPISODES, tuple(reads))
    history, asked, talks = ask_all(table, index, interviews, needs_talks=needs_talks)
    longest = max((days for s in chosen if isinstance(days := getattr(s, "days", None), int)), default=0)
    given = Given(
        history=history,
        asked=asked,
        place=_place(history, asked),
        triggers=conform(triggers, TRIGGERS, OF_TRIGGERS) if of_triggers_too else None,
        talks=talks,
        placements=placements,
        book=book,
        calendar=read_calendar() if calendar is None else calendar,
        london=_london(history, asked, talks, longest),
    )
    out = Columns(chosen, len(asked.time))
    # Each family reads what is given, and each block fills rows of its own, so threads share the work.
    with ThreadPoolExecutor(_n_threads(len(asked.time))) as pool:
        fillers = list(pool.map(lambda family: family[1](given, family[2]), families))

        def fill(block: Block) -> None:
            for filler in fillers:
                filler.fill(block, out)

        list(pool.map(fill, cut(given, longest)))
    return out.frame(asked.keys)


def _n_threads(n_rows: int) -> int:
    return min(MOST_THREADS, os.cpu_count() or 1, n_rows // ROWS + 1)


def _choose(
    specs: Sequence[Spec] | None, lookback_days: Sequence[int], book: Codebook, tables: dict[str, pd.DataFrame | None]
) -> tuple[Spec, ...]:
    """Return what to build; refuse what needs a table that is not given."""
    default = feature_specs(lookback_days, book)
    absent = {name for name, table in tables.items() if table is None}
    if specs is None:
        return tuple(spec for spec in default if spec.needs not in absent)
    chosen = tuple(specs)
    check_specs(chosen, book)
    lacking = [spec for spec in chosen if spec.needs in absent]
    if lacking:
        raise ArgumentRefused(
            f"tables are not given that features need, such as '{lacking[0].name}' ({len(lacking)} in all): hand over "
            f"{' and '.join(f'{name}=' for name in sorted({spec.needs for spec in lacking}))}, or leave them out."
        )
    return chosen


def _place(history: History, asked: Asked) -> np.ndarray:
    """Where the episodes asked about stand in the history."""
    if is_in_place(history.row):
        return asked.episode
    place: np.ndarray = np.append(history.place(), -1)[asked.episode]
    return place


def _london(history: History, asked: Asked, talks: Talks | None, longest: int) -> London:
    """The calendar from the first to the last moment that any feature looks at."""
    times = [history.start, history.end[history.end > -(2**62)], asked.time - longest * DAY_US, asked.time]
    if talks is not None:
        held = talks.table["held_at"].dropna()
        times.append(held.to_numpy(dtype="datetime64[us]").astype(np.int64))
    there = [t for t in times if len(t)]
    if not there:
        return London(0, 0)
    return London(min(int(t.min()) for t in there), max(int(t.max()) for t in there))
