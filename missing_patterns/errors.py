"""Every error that a user can meet: its wording, and the exit code that a scheduled run gives for it.

Messages hold counts, positions, column names and rules. They never hold a cell's value, a name or an id:
a message may end up in a log, an e-mail or a screen that is shared.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

EXIT_OUR_FAULT = 1
EXIT_USAGE = 2
EXIT_DATA = 3
EXIT_DISCLOSURE = 4
EXIT_SETTINGS = 5
EXIT_TRY_LATER = 75


class MissingPatternsError(Exception):
    """Any error that this library raises on purpose; shown to the user without a traceback."""

    exit_code = EXIT_OUR_FAULT


class ArgumentRefused(MissingPatternsError, ValueError):
    """An argument of a call or an option of a command cannot be used."""

    exit_code = EXIT_USAGE


class EstimateDoubtful(UserWarning):
    """A model gave an answer that should not be leant on; the warning says why, and what to do."""


class DataRefused(MissingPatternsError):
    """A file cannot be read safely. The message names the file, the place, why, and what to do."""

    exit_code = EXIT_DATA

    def __init__(self, message: str = "", parts: Sequence[DataRefused] = ()) -> None:
        super().__init__(message)
        #: Where a refusal of several files comes from: each of them.
        self.parts = tuple(parts) or (self,)
        self.file, self.sheet, self.line, self.rule, self.told = "", "", None, "", message

    file: str
    sheet: str
    line: int | None
    #: Code of the rule that was broken, and the message without the place.
    rule: str
    told: str

    @classmethod
    def of_file(
        cls, file: str, why: str, fix: str, *, sheet: str = "", line: int | None = None, rule: str = ""
    ) -> DataRefused:
        """Word a refusal of one file.

        Parameters
        ----------
        file : str
            Name of the file, without its folder.
        why, fix : str
            What is wrong, and what the reader should do about it. No cell values.
        sheet : str, default ""
            Sheet of a workbook.
        line : int, optional
            Physical line, counted from 1.
        rule : str, default ""
            Code of the rule that was broken, for tables of problems.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> print(DataRefused.of_file("rhi.csv", "the file is empty", "Export it again.", line=1))
        rhi.csv, line 1: the file is empty. Export it again.
        """
        place = file + (f" [{sheet}]" if sheet else "") + (f", line {line}" if line is not None else "")
        refused = cls(f"{place}: {why}. {fix}")
        refused.file, refused.sheet, refused.line, refused.rule, refused.told = file, sheet, line, rule, f"{why}. {fix}"
        return refused

    @classmethod
    def of_several(cls, parts: Sequence[DataRefused]) -> DataRefused:
        """Word the refusal of several files as one.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> two = [DataRefused.of_file(f, "the file is empty", "Export it again.") for f in ("a.csv", "b.csv")]
        >>> print(DataRefused.of_several(two))
        a.csv: the file is empty. Export it again.
        b.csv: the file is empty. Export it again.
        """
        return cls("\n".join(map(str, parts)), [p for part in parts for p in part.parts])


class TableRefused(DataRefused, ValueError):
    """A DataFrame handed to a function is not the table that the function needs."""

    @classmethod
    def of_problems(cls, table: str, problems: Sequence[str]) -> TableRefused:
        """Word everything that is wrong with one table, at once.

        Raises
        ------
        Nothing.

        Examples
        --------
        >>> print(TableRefused.of_problems("incidents", ["column 'child_id' is absent"]))
        The table 'incidents' cannot be used:
        - column 'child_id' is absent
        """
        return cls(f"The table '{table}' cannot be used:\n" + "\n".join(f"- {p}" for p in problems))


class DisclosureRefused(MissingPatternsError):
    """Writing this would show something about fewer children than the threshold allows."""

    exit_code = EXIT_DISCLOSURE


class SettingsRefused(MissingPatternsError, ValueError):
    """A settings file or value is not one that this library knows."""

    exit_code = EXIT_SETTINGS


class TryLater(MissingPatternsError):
    """Nothing is wrong, but it cannot be done now: another run holds the lock, or data are not there yet."""

    exit_code = EXIT_TRY_LATER


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known word, or an empty string.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> did_you_mean("missing_form", ["missing_from", "returned_at"])
    " Did you mean 'missing_from'?"
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def positions(rows: Sequence[int], shown: int = 5) -> str:
    """Word where rows are, counted from 0: "position 3" or "positions 3, 17 and 12 more".

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> positions([3, 17, 20], shown=2)
    'positions 3, 17 and 1 more'
    """
    listed = ", ".join(str(r) for r in rows[:shown])
    more = f" and {len(rows) - shown} more" if len(rows) > shown else ""
    return f"position{'s' if len(rows) > 1 else ''} {listed}{more}"
