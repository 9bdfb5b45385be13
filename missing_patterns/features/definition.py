"""The ground of every definition of a feature: what it looks at, its name and words, and what it refuses."""

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


#: More days than this (2,700 years) are a slip, and would not fit beside the times.
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Word:
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
    >>> from missing_patterns.features.specs import Count, DaysSince
    >>> Count("episodes", 90).name, DaysSince("home_conflict").name
    ('n_episodes_90d', 'days_since_home_conflict')
    """

    of: str
    #: What `of` may be besides the codes and domains of triggers; `_TRIGGERS` has the words for those.
    _WORDS: ClassVar[dict[str, Word]] = {}
    _TRIGGERS: ClassVar[Word | None] = None

    @property
    def word(self) -> Word:
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
class InDays(Spec):
    """A feature of a lookback; `days` None means ever."""

    days: int | str | None = None

    _MAY_BE_EVER: ClassVar[bool] = True
    _MAY_BE_THIS: ClassVar[bool] = False

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
        if self.days == THIS_EPISODE and self._MAY_BE_THIS and self.is_of_trigger:
            return
        if not is_whole(self.days):
            raise ArgumentRefused(
                f"{type(self).__name__}(days=...) must be a whole number of days, at least 1 and at most {MOST:,}."
            )

    def _when(self) -> str:
        if self.days is None:
            return "at any time before the index"
        return "in this episode" if self.days == THIS_EPISODE else f"in the {self.days} days before the index"


@dataclass(frozen=True, slots=True)
class OfLast(Spec):
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


def is_whole(value: object) -> bool:
    """Say whether a value is a whole number of at least 1, and no more days than times can be reckoned with.

    Raises
    ------
    Nothing.
    """
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and 1 <= int(value) <= MOST


def _label(of: str, book: Codebook | None) -> str:
    book = read_codebook() if book is None else book
    if of in book.codes:
        return f"'{book.label(of)}'"
    return f"any trigger of the domain '{of}'" if of in book.domains.values() else of.replace("_", " ")


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
        raise ArgumentRefused(f"{name} must be different whole numbers of days, each at least 1 and at most {MOST:,}.")
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
