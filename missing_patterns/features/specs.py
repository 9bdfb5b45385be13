"""What a feature is: small frozen definitions whose names spell them.

A new feature of a kind that is here is one line in a table of `_WORDS`; how it is reckoned stands in the module of its
family (`of_*.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Literal

from missing_patterns.codebook import Codebook
from missing_patterns.errors import ArgumentRefused
from missing_patterns.features.definition import (
    THIS_EPISODE,
    InDays,
    OfLast,
    Spec,
    Word,
    check_days,
    check_specs,
    triggers_of,
)

__all__ = [
    "THIS_EPISODE",
    "Any",
    "Calendar",
    "Count",
    "Cycle",
    "DaysSince",
    "Latest",
    "Mean",
    "Same",
    "Share",
    "Spec",
    "Streak",
    "Sum",
    "Together",
    "Trend",
    "Variety",
    "check_days",
    "check_specs",
    "triggers_of",
]


@dataclass(frozen=True, slots=True)
class Count(InDays):
    """How many in a lookback of `days`, or ever."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "episodes": Word("count", "episodes", "episodes that began {when}", name="n_{x}"),
        "placement_moves": Word(
            "count", "moves", "placement moves {when}, each known at the end of its day", "placements", "n_{x}"
        ),
        "interviews_offered": Word(
            "count", "interviews", "return interviews that were offered {when}", "interviews", "n_{x}"
        ),
        "interviews_completed": Word(
            "count", "interviews", "return interviews that were held {when}", "interviews", "n_{x}"
        ),
        "interviews_declined": Word(
            "count", "interviews", "return interviews that were declined, offered {when}", "interviews", "n_{x}"
        ),
        "trigger_answers": Word(
            "count",
            "episodes",
            "episodes that began {when} of which an interview held by then says what the triggers were, none included: "
            "the number out of which triggers can be counted",
            "interviews",
            "n_{x}",
        ),
    }
    _TRIGGERS: ClassVar[Word | None] = Word(
        "count",
        "episodes",
        "episodes that began {when} for which {x} was named, or suspected, in an interview held by then; 0 includes "
        "not asked",
        name="n_{x}",
    )


@dataclass(frozen=True, slots=True)
class Any(InDays):
    """Whether there was one in a lookback of `days`, ever, or in this episode."""

    _MAY_BE_THIS: ClassVar[bool] = True

    _WORDS: ClassVar[dict[str, Word]] = {
        "placement_moves": Word("flag", "", "whether there was a placement move {when}", "placements", "any_{x}"),
    }
    _TRIGGERS: ClassVar[Word | None] = Word(
        "flag",
        "",
        "whether {x} was named, or suspected, for an episode that began {when}, in an interview held by then; false "
        "includes not asked",
        name="any_{x}",
    )

    def meaning(self, book: Codebook | None = None) -> str:
        """What the column holds, in words.

        Raises
        ------
        ArgumentRefused
            As :attr:`Spec.word`.
        """
        said = Spec.meaning(self, book)
        return said.replace("for an episode that began in this episode", "for this episode")


@dataclass(frozen=True, slots=True)
class Sum(InDays):
    """How much in a lookback of `days`."""

    _MAY_BE_EVER: ClassVar[bool] = False
    _WORDS: ClassVar[dict[str, Word]] = {
        "missing_hours": Word("measure", "hours", "hours missing {when}, from episodes that had ended"),
        "missing_nights": Word(
            "count", "nights", "midnights spent missing {when}, from episodes that had ended; each counted once"
        ),
    }


@dataclass(frozen=True, slots=True)
class DaysSince(Spec):
    """Days from the latest one to the index."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "return": Word(
            "measure",
            "days",
            "days from the child's latest return before the index; none if there was none",
            name="days_since_return",
        )
    }
    _TRIGGERS: ClassVar[Word | None] = Word(
        "measure",
        "days",
        "days from the start of the latest episode for which {x} was named, or suspected, in an interview held by "
        "then; none if never",
    )

    @property
    def name(self) -> str:
        """Name of the column.

        Raises
        ------
        Nothing.
        """
        return f"days_since_{self.of}"


@dataclass(frozen=True, slots=True)
class Mean(OfLast):
    """Mean of the `last` so many."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "gap_days": Word(
            "measure", "days", "mean of the latest gaps up to this episode's, {when} at most; none if no gap is known"
        )
    }

    @property
    def name(self) -> str:
        """Name of the column.

        Raises
        ------
        Nothing.
        """
        return f"mean_{self.of}_last{self.last}"


@dataclass(frozen=True, slots=True)
class Trend(OfLast):
    """The latest less the mean of the `last` so many before it."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "gap_days": Word(
            "measure",
            "days",
            "this episode's gap less the mean of the gaps before it, {when} at most; below 0 = sooner than before; "
            "none if either is not known",
        )
    }

    @property
    def name(self) -> str:
        """Name of the column.

        Raises
        ------
        Nothing.
        """
        return "gap_trend_days" if self.last == 3 else f"gap_trend_days_last{self.last}"


@dataclass(frozen=True, slots=True)
class Share(OfLast):
    """Share of the `last` so many returns."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "offered": Word(
            "measure", "share", "share of the latest returns ({when} at most) with an interview offered", "interviews"
        ),
        "completed": Word(
            "measure", "share", "share of the latest returns ({when} at most) with an interview held", "interviews"
        ),
        "in_time": Word(
            "measure",
            "share",
            "share of the latest returns ({when} at most) with an interview held within 72 hours; by the third day "
            "after where only a date is known",
            "interviews",
        ),
    }

    @property
    def name(self) -> str:
        """Name of the column.

        Raises
        ------
        Nothing.
        """
        return f"share_{self.of}_last{self.last}"


@dataclass(frozen=True, slots=True)
class Streak(Spec):
    """How many in a row, up to the index."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "declined": Word(
            "count",
            "interviews",
            "interviews declined in a row up to the index, since the last that was held",
            "interviews",
            "n_declined_in_a_row",
        )
    }


@dataclass(frozen=True, slots=True)
class Latest(Spec):
    """What is known last: of this episode, or of the placement."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "episode_no": Word("count", "", "number of this episode; 1 for the child's first in the data, 0 if none"),
        "duration_hours": Word(
            "measure",
            "hours",
            "hours missing in this episode, if it had ended; whole days apart where only dates are known",
        ),
        "gap_days": Word(
            "measure", "days", "days from the previous return to the start of this episode; none for a first episode"
        ),
        "is_still_missing": Word("flag", "", "whether the child had not returned from this episode"),
        "placement_type": Word(
            "text",
            "",
            "kind of placement, as known at the end of the day before the index, else as recorded when this episode "
            "began",
        ),
        "in_area": Word(
            "maybe",
            "",
            "placed inside the council's own area, as known at the end of the day before the index, else as recorded "
            "when this episode began",
        ),
        "distance_miles": Word("measure", "miles", "miles from home to the placement", "placements"),
        "days_in_placement": Word(
            "measure", "days", "whole days since the last move, or since the first placement", "placements"
        ),
    }


@dataclass(frozen=True, slots=True)
class Variety(InDays):
    """How many kinds of triggers, how many new ones, and how mixed."""

    _MAY_BE_EVER: ClassVar[bool] = False
    _WORDS: ClassVar[dict[str, Word]] = {
        "kinds": Word(
            "count", "codes", "different triggers named for episodes that began {when}", "", "n_trigger_kinds"
        ),
        "new": Word(
            "count",
            "codes",
            "triggers named for episodes that began {when}, and for none before them, as far as known",
            "",
            "n_new_triggers",
        ),
        "entropy": Word(
            "measure",
            "bits",
            "how mixed the triggers are that were named for episodes that began {when}: 0 = one alone; none if none",
            "",
            "trigger_entropy",
        ),
    }


@dataclass(frozen=True, slots=True)
class Cycle(Spec):
    """A point on a circle of hours, weekdays or months, so that 23:00 lies next to midnight."""

    part: Literal["sin", "cos"] = "sin"
    at: Literal["start", "index"] = "start"

    _WORDS: ClassVar[dict[str, Word]] = {
        "hour": Word("measure", "", "time of day {when} on a 24-hour circle; none where only the date is known"),
        "weekday": Word("measure", "", "weekday {when} on a 7-day circle from Monday"),
        "month": Word("measure", "", "month {when} on a 12-month circle from January"),
    }

    @property
    def name(self) -> str:
        """Name of the column.

        Raises
        ------
        Nothing.
        """
        return f"{'index_' if self.at == 'index' else ''}{self.of}_{self.part}"

    def check(self, triggers: Collection[str]) -> None:
        """Refuse what no feature can be made of.

        Raises
        ------
        ArgumentRefused
            As :meth:`Spec.check`.
        """
        Spec.check(self, triggers)
        if self.part not in ("sin", "cos") or self.at not in ("start", "index"):
            raise ArgumentRefused("Cycle: part must be 'sin' or 'cos', at must be 'start' or 'index'.")

    def _when(self) -> str:
        way = "sine" if self.part == "sin" else "cosine"
        return f"of the index, {way}" if self.at == "index" else f"at which this episode began, {way}"


@dataclass(frozen=True, slots=True)
class Calendar(Spec):
    """What the calendar says of the day on which this episode began (``began_``), or of the day of the index."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "is_weekend": Word("flag", "", "this episode began on a Saturday or Sunday"),
        "began_in_school_holiday": Word("maybe", "", "this episode began in a school holiday"),
        "began_on_bank_holiday": Word("maybe", "", "this episode began on a bank holiday"),
        "is_school_day": Word("maybe", "", "the index is on a weekday of a school term, no bank holiday"),
        "is_school_holiday": Word("maybe", "", "the index is in a school holiday"),
        "is_bank_holiday": Word("maybe", "", "the index is on a bank holiday"),
        "days_to_school_holiday": Word(
            "measure", "days", "days from the index to the next school holiday, 0 in one; none outside the calendar"
        ),
        "days_to_term": Word(
            "measure", "days", "days from the index to the next school term, 0 in one; none outside the calendar"
        ),
        "days_to_bank_holiday": Word(
            "measure",
            "days",
            "days from the index to the next bank holiday announced by then, 0 on one; none outside the calendar",
        ),
    }


@dataclass(frozen=True, slots=True)
class Same(Spec):
    """How many earlier episodes share this one's home, or place."""

    _WORDS: ClassVar[dict[str, Word]] = {
        "home": Word(
            "measure",
            "episodes",
            "the child's earlier episodes from the same home or carer; none if it is not recorded",
            name="n_earlier_same_home",
        ),
        "place": Word(
            "measure",
            "episodes",
            "the child's earlier episodes that ended in the same area and kind of place; none if this one has not "
            "ended, or the area is not recorded",
            name="n_earlier_same_place",
        ),
    }


@dataclass(frozen=True, slots=True)
class Together(Spec):
    """How many others of the same home were missing at the same time: the only feature that looks across children."""

    of: str = "home"

    _WORDS: ClassVar[dict[str, Word]] = {
        "home": Word(
            "measure",
            "episodes",
            "episodes of other children from the same home or carer that overlap this one, up to the index; none if "
            "the home is not recorded",
            name="n_missing_with",
        )
    }
