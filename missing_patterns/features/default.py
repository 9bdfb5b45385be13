"""The features that are built where none are chosen, in the order of their columns."""

from __future__ import annotations

from collections.abc import Sequence

from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.features import specs as s


def feature_specs(lookback_days: Sequence[int] = (28, 90, 365), codebook: Codebook | None = None) -> tuple[s.Spec, ...]:
    """Return the default set of features, in the order of their columns.

    ``build_features`` leaves out those whose table it is not given (``spec.needs``).

    Parameters
    ----------
    lookback_days : sequence of int, default (28, 90, 365)
        Different whole days, each at least 1.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.

    Returns
    -------
    tuple of Spec

    Raises
    ------
    ArgumentRefused
        If ``lookback_days`` are not such days, or two columns would have one name.

    Examples
    --------
    >>> [spec.name for spec in feature_specs([28]) if spec.unit == "hours"]
    ['duration_hours', 'missing_hours_28d']
    """
    book = read_codebook() if codebook is None else codebook
    days = s.check_days(lookback_days, "lookback_days")
    chosen = (
        *_of_episodes(days),
        *_of_moments(),
        *_of_placements(days),
        *_of_interviews(days),
        *_of_triggers(days, book),
        s.Same("home"),
        s.Same("place"),
        s.Together(),
    )
    s.check_specs(chosen, book)
    return chosen


def _of_episodes(days: tuple[int, ...]) -> list[s.Spec]:
    return [
        *(s.Latest(name) for name in ("episode_no", "duration_hours", "gap_days", "is_still_missing")),
        s.Count("episodes"),
        *(s.Count("episodes", d) for d in days),
        *(s.Sum("missing_hours", d) for d in days),
        *(s.Sum("missing_nights", d) for d in days),
        s.DaysSince("return"),
        s.Mean("gap_days"),
        s.Trend("gap_days"),
    ]


def _of_moments() -> list[s.Spec]:
    circles = [
        [s.Cycle(of, part, at) for of in ("hour", "weekday", "month") for part in ("sin", "cos")]
        for at in ("start", "index")
    ]
    began = ("is_weekend", "began_in_school_holiday", "began_on_bank_holiday")
    index = ("is_school_day", "is_school_holiday", "is_bank_holiday")
    days_to = ("days_to_school_holiday", "days_to_term", "days_to_bank_holiday")
    return [*circles[0], *map(s.Calendar, began), *circles[1], *map(s.Calendar, (*index, *days_to))]


def _of_placements(days: tuple[int, ...]) -> list[s.Spec]:
    return [
        *(s.Latest(name) for name in ("placement_type", "in_area", "distance_miles", "days_in_placement")),
        s.Count("placement_moves"),
        *(s.Count("placement_moves", d) for d in days),
        *(s.Any("placement_moves", d) for d in days),
    ]


def _of_interviews(days: tuple[int, ...]) -> list[s.Spec]:
    return [
        *(s.Count(f"interviews_{what}", d) for what in ("offered", "completed", "declined") for d in days),
        *(s.Share(what) for what in ("offered", "completed", "in_time")),
        s.Streak("declined"),
        *(s.Count("trigger_answers", d) for d in days),
    ]


def _of_triggers(days: tuple[int, ...], book: Codebook) -> list[s.Spec]:
    triggers = s.triggers_of(book)
    return [
        *(s.Any(x, s.THIS_EPISODE) for x in triggers),
        *(s.Any(x) for x in triggers),
        *(s.Any(x, d) for d in days for x in triggers),
        *(s.Count(x) for x in triggers),
        *(s.Count(x, d) for d in days for x in triggers),
        *(s.DaysSince(x) for x in triggers),
        *(s.Variety(of, d) for of in ("kinds", "new", "entropy") for d in days),
    ]
