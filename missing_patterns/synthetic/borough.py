"""``make_borough``: the records that a council would hold, and the truth behind them."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import read_codebook
from missing_patterns.errors import ArgumentRefused
from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.care import Spells, draw_spells, placements_table
from missing_patterns.synthetic.clock import minutes_of, to_dates, to_london
from missing_patterns.synthetic.effect import check_effect, with_effect
from missing_patterns.synthetic.incidents import Absences, describe_absences, incidents_table
from missing_patterns.synthetic.interviews import interviews_table, run_interviews
from missing_patterns.synthetic.population import TYPES, Children, on_file


@dataclass(frozen=True, slots=True, repr=False)
class Truth:
    """What is true of a made-up borough, whatever its records say.

    Parameters
    ----------
    children : pd.DataFrame
        One row per child: ``child_id type rate_per_year in_care residential born_on drawn_in``. ``rate_per_year`` is
        the spontaneous rate at the age of most; ``drawn_in`` marks children who came with the planted change.
    episodes : pd.DataFrame
        One row per true episode: ``child_id incident_id missing_from returned_at triggers type is_boost``;
        ``triggers`` is a tuple of codes, ``returned_at`` is empty when still missing at the end, ``is_boost`` says
        that the short-run boost of an earlier episode brought it.
    mentions : pd.DataFrame
        One row per code that a written account mentions: ``interview_id code status``; status is present, suspected
        or denied.
    parameters : dict
        What the borough was made with: seed, window, frailty, boost, ``interview_effect``, and under ``trend`` and
        ``change`` what was planted, when and how big.
    records : schema.Records
        The records made from it.

    Raises
    ------
    Nothing.
    """

    children: pd.DataFrame
    episodes: pd.DataFrame
    mentions: pd.DataFrame
    parameters: dict[str, Any]
    records: schema.Records = field(compare=False)

    def __repr__(self) -> str:
        return f"Truth: {len(self.children):,} children, {len(self.episodes):,} episodes"

    def calibration(self) -> pd.DataFrame:
        """Compare the borough with published figures.

        Returns
        -------
        pd.DataFrame
            One row per figure: ``measure target tolerance achieved ok source``. Small boroughs miss some by chance.

        Raises
        ------
        Nothing.
        """
        from missing_patterns.synthetic.calibration import calibrate

        return calibrate(self)


@dataclass(frozen=True, slots=True, repr=False)
class Borough:
    """A made-up borough: the records that its council would hold, and the truth behind them.

    Raises
    ------
    Nothing.
    """

    records: schema.Records
    truth: Truth

    def __repr__(self) -> str:
        return f"Borough (made up): {self.records!r}"

    def write(self, folder: str | Path, also: Sequence[str] = ()) -> list[Path]:
        """Write the borough as a council's systems would export it.

        Files: ``return_interviews.xlsx``; ``Missing.csv``, ``Header.csv`` and ``Episodes.csv`` of SSDA903, for
        looked-after children; ``ssd_missing.csv``. All describe the same absences. The same borough always gives the
        same bytes.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there; files of the same names are replaced.
        also : list of {"police", "annex_a"}, optional
            What partners hold of the same absences: ``police_reports.csv`` (the police's own numbers and times) and
            ``annex_a.xlsx`` (Ofsted's list 8, one row per child in care).

        Returns
        -------
        list of Path
            The files written.

        Raises
        ------
        ArgumentRefused
            If ``also`` names something else.
        OSError
            If the folder cannot be written to.
        """
        from missing_patterns.synthetic.files import write_files

        return write_files(self, Path(folder), also)


def make_borough(
    n_children: int = 600,
    months: int = 36,
    seed: int = 1,
    ends_on: str | dt.date = "2026-10-31",
    interview_effect: float = 1.0,
) -> Borough:
    """Make up a borough: ``n_children`` children who went missing at least once in the window, and their records.

    Parameters
    ----------
    n_children : int, default 600
        Children with at least one absence in the window; only such children are ever on file.
    months : int, default 36
        Length of the window. From 9 months on, a change is planted 5 months before the end.
    seed : int, default 1
        The same seed gives the same borough.
    ends_on : str or date, default "2026-10-31"
        Last day of the window, observed to its end; ISO.
    interview_effect : float, default 1.0
        What a child's rate of going again is multiplied by from the moment that a return interview is held to the next
        episode: above 0 and at most 1, which is no effect. The same seed gives the same children, and the same
        borough to the byte where it is 1.

    Returns
    -------
    Borough
        With ``.records``, ``.truth`` and ``.write(folder)``.

    Raises
    ------
    ArgumentRefused
        If a number is not a whole number in its range, or the date is not an ISO date.

    Notes
    -----
    Child ``i`` goes at ``rate_i`` a year, lognormal (sigma 2.45), weighted by age; each episode brings 0.2 others on
    average after a mean of 14 days. Such a model reproduces both the concentration and the quick repeats of
    Sidebottom et al. (2020); see ``parameters.py`` for every number and its source.

    Examples
    --------
    >>> borough = make_borough(n_children=40, months=12, seed=1)
    >>> borough.records.incidents["child_id"].nunique()
    40
    >>> sorted(borough.truth.parameters["change"])
    ['code', 'n_children', 'n_episodes', 'on', 'what']
    """
    n_children, months = _whole("n_children", n_children, 1), _whole("months", months, 1)
    seed, effect = _whole("seed", seed, 0), check_effect(interview_effect)
    first, after = _window(ends_on, months)
    start, end = minutes_of(first), minutes_of(after)
    change_on = _months_before(after, p.CHANGE_MONTHS_BEFORE_END) if months >= p.CHANGE_MIN_MONTHS else None
    change = minutes_of(change_on) if change_on else None
    # A stream for each step, so that a change in one step leaves the others' draws as they were.
    streams = [np.random.default_rng([seed, step]) for step in range(8)]

    children, events, candidates = on_file(streams[0], n_children, start, end, change)
    child_ids = [f"C{i:06d}" for i in (streams[1].permutation(n_children) + 1).tolist()]
    spells = draw_spells(streams[2], children, start, end)
    drawn = None
    if effect != 1:
        events, drawn = with_effect(streams[7], children, candidates, spells, effect=effect, window=(start, end))
    absences = describe_absences(streams[3], children, events, spells, drawn.category if drawn else None)
    ids = [f"M{i:06d}" for i in range(1, len(absences) + 1)]
    incidents = incidents_table(streams[4], absences, spells, ids, child_ids, end)
    course = run_interviews(streams[5], absences, end, drawn.luck if drawn else None)
    interviews, mentions = interviews_table(streams[5], absences, course, ids, child_ids)
    records = schema.Records(
        incidents=incidents,
        interviews=interviews,
        children=_children_table(streams[6], children, spells, child_ids, start, end),
        placements=placements_table(spells, child_ids, end),
    )
    episodes = _true_episodes(absences, children, incidents, end)
    parameters = {"n_children": n_children, "months": months, "seed": seed, **_made_with(first, after)}
    parameters["interview_effect"] = effect
    parameters["change"] = _planted(children, absences, change_on)
    truth = Truth(_true_children(children, child_ids), episodes, mentions, parameters, records)
    return Borough(records, truth)


def _made_with(first: dt.date, after: dt.date) -> dict[str, Any]:
    return {
        "observed_from": first.isoformat(),
        "ends_on": (after - dt.timedelta(days=1)).isoformat(),
        "rate_median_per_year": p.RATE_MEDIAN,
        "rate_sigma": p.RATE_SIGMA,
        "boost_alpha": p.BOOST_ALPHA,
        "boost_tau_days": p.BOOST_TAU_DAYS,
        "trend": {"what": "children at risk grow, their rates do not", "share_per_year": p.GROWTH_PER_YEAR},
    }


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ArgumentRefused(f"{name} must be a whole number of at least {least}.")
    return int(value)


def _window(ends_on: str | dt.date, months: int) -> tuple[dt.date, dt.date]:
    """First day, and the day after the last."""
    try:
        last = dt.date.fromisoformat(ends_on) if isinstance(ends_on, str) else ends_on
        last = last.date() if isinstance(last, dt.datetime) else last
        after = last + dt.timedelta(days=1)
        return _months_before(after, months), after
    except (ValueError, TypeError, OverflowError):
        raise ArgumentRefused("ends_on must be an ISO date, such as '2026-10-31', with room for the months.") from None


def _months_before(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _planted(children: Children, absences: Absences, change_on: dt.date | None) -> dict[str, Any] | None:
    if change_on is None:
        return None
    return {
        "what": "children newly drawn into criminal exploitation",
        "on": change_on.isoformat(),
        "code": p.CHANGE_CODE,
        "n_children": int(children.drawn_in.sum()),
        "n_episodes": int(children.drawn_in[absences.child].sum()),
    }


def _true_children(children: Children, child_ids: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "child_id": pd.Series(child_ids, dtype=schema.TEXT),
            "type": pd.Series([TYPES[t] for t in children.type.tolist()], dtype=schema.TEXT),
            "rate_per_year": np.round(children.rate, 4),
            "in_care": children.in_care,
            "residential": children.residential,
            "born_on": to_dates(children.born),
            "drawn_in": children.drawn_in,
        }
    )
    return frame.sort_values("child_id", ignore_index=True)


def _true_episodes(absences: Absences, children: Children, incidents: pd.DataFrame, end: float) -> pd.DataFrame:
    codes = read_codebook().codes
    triggers = [tuple(c for c, t in zip(codes, row, strict=True) if t) for row in absences.triggers.tolist()]
    return pd.DataFrame(
        {
            "child_id": incidents["child_id"],
            "incident_id": incidents["incident_id"],
            "missing_from": incidents["missing_from"],
            "returned_at": to_london(np.where(absences.end < end, absences.end, np.nan)),
            "triggers": pd.Series(triggers, dtype=object),
            "type": pd.Series([TYPES[t] for t in children.type[absences.child].tolist()], dtype=schema.TEXT),
            "is_boost": absences.is_boost,
        }
    )


def _children_table(
    rng: np.random.Generator, children: Children, spells: Spells, child_ids: list[str], start: float, end: float
) -> pd.DataFrame:
    n = len(children)
    u = rng.random((n, 8))
    female = np.array([p.FEMALE.get(TYPES[t], p.FEMALE_OTHERS) for t in children.type.tolist()])
    sex = np.where(u[:, 0] < female, "female", "male").astype(object)
    sex[u[:, 1] < p.SEX_OTHER] = "other"
    sex[u[:, 1] > 1 - p.SEX_NOT_STATED] = "not_stated"
    eighteen = children.active_until < np.inf
    left = eighteen & (children.active_until < end)
    in_care = np.isin(np.arange(n), spells.child)
    others = np.array(list(p.CARE_STATUS_OTHERS), object)[
        np.minimum((u[:, 2, None] >= np.cumsum(list(p.CARE_STATUS_OTHERS.values()))).sum(1), 3)
    ]
    ethnicity = np.array(list(p.ETHNICITIES), object)[
        np.minimum((u[:, 3, None] >= np.cumsum(list(p.ETHNICITIES.values()))).sum(1), len(p.ETHNICITIES) - 1)
    ]
    ethnicity[u[:, 4] < p.ETHNICITY_BLANK] = None
    reason = np.where(children.moved, np.where(in_care, "left_care", "moved_area"), "turned_18").astype(object)
    reason[~left] = None
    frame = pd.DataFrame(
        {
            "child_id": child_ids,
            "birth_month": to_dates(children.born).dt.to_period("M").dt.to_timestamp(),
            "sex": sex,
            "ethnicity": ethnicity,
            "care_status": np.where(in_care, "looked_after", others),
            "disability": [None if b else bool(d) for b, d in zip(u[:, 5] < 0.06, u[:, 6] < p.DISABILITY, strict=True)],
            "uasc": in_care & (u[:, 7] < p.UASC_IN_CARE),
            "observed_from": to_dates(np.maximum(children.active_from, start)),
            "observed_until": to_dates(np.where(left, children.active_until, np.nan)),
            "exit_reason": reason,
        }
    )
    return schema.conform(frame.sort_values("child_id", ignore_index=True), schema.CHILDREN)
