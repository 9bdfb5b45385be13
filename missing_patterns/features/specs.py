"""What a feature is: small frozen definitions whose names spell them.

A new feature of a kind that is here is one line in a table of `_WORDS`; how it is reckoned stands in the module of its
family (`of_*.py`), whose `KNOWS` names it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.errors import ArgumentRefused, did_you_mean

#: How a column is stored: int32, bool, float64 (NaN = none), "boolean" (NA = not known), text.
Kind = Literal["count", "flag", "measure", "maybe", "text"]

THIS_EPISODE = "this_episode"
KNOWN = "known by then"


@dataclass(frozen=True, slots=True)
class _Word:
    """What is said of one feature; `{d}` is the lookback. `needs` names the table that it cannot do without."""

    kind: Kind
    unit: str
    meaning: str
    needs: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """A feature; `of` names what it looks at.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> Count("episodes", 90).name, DaysSince("home_conflict").name
    ('n_episodes_90d', 'days_since_home_conflict')
    """

    of: str
    #: What `of` may be besides the codes and domains of triggers; `_TRIGGERS` has the words for those.
    _WORDS: ClassVar[dict[str, _Word]] = {}
    _TRIGGERS: ClassVar[_Word | None] = None

    @property
    def word(self) -> _Word:
        """What is said of it; ``of`` that is not listed is taken for a trigger.

        Raises
        ------
        ArgumentRefused
            If ``of`` is not listed and is no trigger.
        """
        word = self._WORDS.get(self.of, self._TRIGGERS)
        if word is None:
            raise ArgumentRefused(f"{type(self).__name__} cannot be of that.{did_you_mean(self.of, self._WORDS)}")
        return word

    @property
    def is_of_trigger(self) -> bool:
        """Whether ``of`` is a code or domain of triggers.

        Raises
        ------
        Nothing.
        """
        return self.of not in self._WORDS and self._TRIGGERS is not None

    @property
    def name(self) -> str:
        """Name of the column.

        Raises
        ------
        ArgumentRefused
            As :attr:`word`.
        """
        return self.word.name or self.of

    @property
    def kind(self) -> Kind:
        """How the column is stored.

        Raises
        ------
        ArgumentRefused
            As :attr:`word`.
        """
        return self.word.kind

    @property
    def unit(self) -> str:
        """Unit of the values.

        Raises
        ------
        ArgumentRefused
            As :attr:`word`.
        """
        return self.word.unit

    @property
    def needs(self) -> str:
        """Name of the table without which there is no such column; blank if it is always there.

        Raises
        ------
        ArgumentRefused
            As :attr:`word`.
        """
        return self.word.needs

    def meaning(self, book: Codebook | None = None) -> str:
        """What the column holds, in words.

        Raises
        ------
        ArgumentRefused
            As :attr:`word`.
        """
        return self.word.meaning.format(x=_label(self.of, book), when=self._when())

    def check(self, triggers: Collection[str]) -> None:
        """Refuse what no feature can be made of.

        Raises
        ------
        ArgumentRefused
            If ``of`` is neither listed nor one of these triggers, with the nearest; or a number of days or episodes is
            not a whole one.
        """
        if self.of not in self._WORDS and (self._TRIGGERS is None or self.of not in triggers):
            known = [*self._WORDS, *(triggers if self._TRIGGERS else [])]
            raise ArgumentRefused(
                f"{type(self).__name__}(of=...) names what is no feature.{did_you_mean(str(self.of), known)} "
                f"It may be one of: {', '.join(self._WORDS) or 'the triggers'}"
                f"{', or a code or domain of the codebook' if self._TRIGGERS and self._WORDS else ''}."
            )

    def _when(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class _InDays(Spec):
    """A feature of a lookback; `days` None means ever."""

    days: int | str | None = None

    _MAY_BE_EVER: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Name of the column.

        Raises
        ------
        ArgumentRefused
            As :attr:`Spec.word`.
        """
        word = self.word
        suffix = "ever" if self.days is None else self.days if isinstance(self.days, str) else f"{self.days}d"
        return f"{(word.name or '{x}').format(x=self.of)}_{suffix}"

    def check(self, triggers: Collection[str]) -> None:
        """Refuse what no feature can be made of.

        Raises
        ------
        ArgumentRefused
            As :meth:`Spec.check`.
        """
        Spec.check(self, triggers)
        if self.days is None and self._MAY_BE_EVER:
            return
        if self.days == THIS_EPISODE and isinstance(self, Any) and self.is_of_trigger:
            return
        if not is_whole(self.days):
            raise ArgumentRefused(f"{type(self).__name__}(days=...) must be a whole number of days, at least 1.")

    def _when(self) -> str:
        if self.days is None:
            return "at any time before the index"
        return "in this episode" if self.days == THIS_EPISODE else f"in the {self.days} days before the index"


@dataclass(frozen=True, slots=True)
class Count(_InDays):
    """How many in a lookback of `days`, or ever."""

    _WORDS: ClassVar[dict[str, _Word]] = {
        "episodes": _Word("count", "episodes", "episodes that began {when}", name="n_{x}"),
        "placement_moves": _Word(
            "count", "moves", "placement moves {when}, each known at the end of its day", "placements", "n_{x}"
        ),
        "interviews_offered": _Word(
            "count", "interviews", "return interviews that were offered {when}", "interviews", "n_{x}"
        ),
        "interviews_completed": _Word(
            "count", "interviews", "return interviews that were held {when}", "interviews", "n_{x}"
        ),
        "interviews_declined": _Word(
            "count", "interviews", "return interviews that were declined, offered {when}", "interviews", "n_{x}"
        ),
        "trigger_answers": _Word(
            "count",
            "episodes",
            "episodes that began {when} of which an interview held by then says what the triggers were, none included: "
            "the number out of which triggers can be counted",
            "interviews",
            "n_{x}",
        ),
    }
    _TRIGGERS: ClassVar[_Word | None] = _Word(
        "count",
        "episodes",
        "episodes that began {when} for which {x} was named, or suspected, in an interview held by then; 0 includes "
        "not asked",
        name="n_{x}",
    )


@dataclass(frozen=True, slots=True)
class Any(_InDays):
    """Whether there was one in a lookback of `days`, ever, or in this episode."""

    _WORDS: ClassVar[dict[str, _Word]] = {
        "placement_moves": _Word("flag", "", "whether there was a placement move {when}", "placements", "any_{x}"),
    }
    _TRIGGERS: ClassVar[_Word | None] = _Word(
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
class Sum(_InDays):
    """How much in a lookback of `days`."""

    _MAY_BE_EVER: ClassVar[bool] = False
    _WORDS: ClassVar[dict[str, _Word]] = {
        "missing_hours": _Word("measure", "hours", "hours missing {when}, from episodes that had ended"),
        "missing_nights": _Word(
            "count", "nights", "midnights spent missing {when}, from episodes that had ended; each counted once"
        ),
    }


@dataclass(frozen=True, slots=True)
class DaysSince(Spec):
    """Days from the latest one to the index."""

    _WORDS: ClassVar[dict[str, _Word]] = {
        "return": _Word(
            "measure",
            "days",
            "days from the child's latest return before the index; none if there was none",
            name="days_since_return",
        )
    }
    _TRIGGERS: ClassVar[_Word | None] = _Word(
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
class _OfLast(Spec):
    """A feature of the `last` so many."""

    last: int = 3

    def check(self, triggers: Collection[str]) -> None:
        """Refuse what no feature can be made of.

        Raises
        ------
        ArgumentRefused
            As :meth:`Spec.check`.
        """
        Spec.check(self, triggers)
        if not is_whole(self.last):
            raise ArgumentRefused(f"{type(self).__name__}(last=...) must be a whole number, at least 1.")

    def _when(self) -> str:
        return str(self.last)


@dataclass(frozen=True, slots=True)
class Mean(_OfLast):
    """Mean of the `last` so many."""

    _WORDS: ClassVar[dict[str, _Word]] = {
        "gap_days": _Word(
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
class Trend(_OfLast):
    """The latest less the mean of the `last` so many before it."""

    _WORDS: ClassVar[dict[str, _Word]] = {
        "gap_days": _Word(
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
class Share(_OfLast):
    """Share of the `last` so many returns."""

    _WORDS: ClassVar[dict[str, _Word]] = {
        "offered": _Word(
            "measure", "share", "share of the latest returns ({when} at most) with an interview offered", "interviews"
        ),
        "completed": _Word(
            "measure", "share", "share of the latest returns ({when} at most) with an interview held", "interviews"
        ),
        "in_time": _Word(
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

    _WORDS: ClassVar[dict[str, _Word]] = {
        "declined": _Word(
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

    _WORDS: ClassVar[dict[str, _Word]] = {
        "episode_no": _Word("count", "", "number of this episode; 1 for the child's first in the data, 0 if none"),
        "duration_hours": _Word(
            "measure",
            "hours",
            "hours missing in this episode, if it had ended; whole days apart where only dates are known",
        ),
        "gap_days": _Word(
            "measure", "days", "days from the previous return to the start of this episode; none for a first episode"
        ),
        "is_still_missing": _Word("flag", "", "whether the child had not returned from this episode"),
        "placement_type": _Word(
            "text",
            "",
            "kind of placement, as known at the end of the day before the index, else as recorded when this episode "
            "began",
        ),
        "in_area": _Word(
            "maybe",
            "",
            "placed inside the council's own area, as known at the end of the day before the index, else as recorded "
            "when this episode began",
        ),
        "distance_miles": _Word("measure", "miles", "miles from home to the placement", "placements"),
        "days_in_placement": _Word(
            "measure", "days", "whole days since the last move, or since the first placement", "placements"
        ),
    }


@dataclass(frozen=True, slots=True)
class Variety(_InDays):
    """How many kinds of triggers, how many new ones, and how mixed."""

    _MAY_BE_EVER: ClassVar[bool] = False
    _WORDS: ClassVar[dict[str, _Word]] = {
        "kinds": _Word(
            "count", "codes", "different triggers named for episodes that began {when}", "", "n_trigger_kinds"
        ),
        "new": _Word(
            "count",
            "codes",
            "triggers named for episodes that began {when}, and for none before them, as far as known",
            "",
            "n_new_triggers",
        ),
        "entropy": _Word(
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

    _WORDS: ClassVar[dict[str, _Word]] = {
        "hour": _Word("measure", "", "time of day {when} on a 24-hour circle; none where only the date is known"),
        "weekday": _Word("measure", "", "weekday {when} on a 7-day circle from Monday"),
        "month": _Word("measure", "", "month {when} on a 12-month circle from January"),
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

    _WORDS: ClassVar[dict[str, _Word]] = {
        "is_weekend": _Word("flag", "", "this episode began on a Saturday or Sunday"),
        "began_in_school_holiday": _Word("maybe", "", "this episode began in a school holiday"),
        "began_on_bank_holiday": _Word("maybe", "", "this episode began on a bank holiday"),
        "is_school_day": _Word("maybe", "", "the index is on a weekday of a school term, no bank holiday"),
        "is_school_holiday": _Word("maybe", "", "the index is in a school holiday"),
        "is_bank_holiday": _Word("maybe", "", "the index is on a bank holiday"),
        "days_to_school_holiday": _Word(
            "measure", "days", "days from the index to the next school holiday, 0 in one; none outside the calendar"
        ),
        "days_to_term": _Word(
            "measure", "days", "days from the index to the next school term, 0 in one; none outside the calendar"
        ),
        "days_to_bank_holiday": _Word(
            "measure",
            "days",
            "days from the index to the next bank holiday announced by then, 0 on one; none outside the calendar",
        ),
    }


@dataclass(frozen=True, slots=True)
class Same(Spec):
    """How many earlier episodes share this one's home, or place."""

    _WORDS: ClassVar[dict[str, _Word]] = {
        "home": _Word(
            "measure",
            "episodes",
            "the child's earlier episodes from the same home or carer; none if it is not recorded",
            name="n_earlier_same_home",
        ),
        "place": _Word(
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

    _WORDS: ClassVar[dict[str, _Word]] = {
        "home": _Word(
            "measure",
            "episodes",
            "episodes of other children from the same home or carer that overlap this one, up to the index; none if "
            "the home is not recorded",
            name="n_missing_with",
        )
    }


def is_whole(value: object) -> bool:
    """Say whether a value is a whole number of at least 1.

    Raises
    ------
    Nothing.
    """
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1


def triggers_of(book: Codebook) -> list[str]:
    """Return what triggers can be asked about: each code, then each domain, in the order of the codebook.

    Raises
    ------
    Nothing.
    """
    return [*book.codes, *dict.fromkeys(book.domains.values())]


def check_days(days: Sequence[int], name: str) -> tuple[int, ...]:
    """Return lookbacks or horizons as plain numbers.

    Raises
    ------
    ArgumentRefused
        If they are not different whole numbers of days, each at least 1.
    """
    listed = list(days)
    if not listed or not all(is_whole(d) for d in listed) or len(set(listed)) < len(listed):
        raise ArgumentRefused(f"{name} must be different whole numbers of days, each at least 1.")
    return tuple(int(d) for d in listed)


def check_specs(specs: Sequence[Spec], book: Codebook) -> None:
    """Refuse specs that cannot be, and two of one name.

    Raises
    ------
    ArgumentRefused
        With what to do.
    """
    triggers = triggers_of(book)
    if len(set(triggers)) < len(triggers):
        raise ArgumentRefused(
            "a code of the codebook has the name of a domain, so their columns would be the same. Rename one."
        )
    known = dict.fromkeys(triggers)
    for spec in specs:
        if not isinstance(spec, Spec):
            raise ArgumentRefused(
                "specs must hold features such as Count('episodes', 90); feature_specs() gives the default ones."
            )
        spec.check(known)
    names = [spec.name for spec in specs]
    doubled = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise ArgumentRefused(f"two features would have one name: {', '.join(doubled[:5])}.")


def _label(of: str, book: Codebook | None) -> str:
    book = read_codebook() if book is None else book
    if of in book.codes:
        return f"'{book.label(of)}'"
    return f"any trigger of the domain '{of}'" if of in book.domains.values() else of.replace("_", " ")
