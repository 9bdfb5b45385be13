"""From what the worker ticked to the trigger table."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from missing_patterns.codebook import ANSWERS_NOT_TRIGGERS, Codebook, read_codebook
from missing_patterns.errors import ArgumentRefused, TableRefused, positions
from missing_patterns.schema import INTERVIEWS, TEXT, TRIGGERS, conform
from missing_patterns.triggers.lists import Flags, Ints, flatten, repeats

#: Items of ``coded_triggers`` that say something of the asking, or stand for text that no code matches.
NOT_CODES = frozenset({*ANSWERS_NOT_TRIGGERS.values(), "unmapped"})

#: A tick for one of these is a concern until someone confirms it, so it is coded as suspected.
SUSPECTED_DOMAINS = ("exploitation",)


def code_triggers(interviews: pd.DataFrame, codebook: Codebook | None = None, narratives: bool = False) -> pd.DataFrame:
    """Return what each interview names as a trigger, from the fields that the worker filled in.

    Parameters
    ----------
    interviews : pd.DataFrame
        The interviews table, with ``interview_id``. ``coded_triggers`` holds codes of the codebook.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.
    narratives : bool, default False
        Whether to read codes from the written account too. This version codes fields only.

    Returns
    -------
    pd.DataFrame
        The trigger table, one row per interview and code, in the order of the interviews. ``origin`` is coded and
        ``voice`` worker. ``status`` is present; codes of the exploitation domain are ``suspected``, because a tick
        records a concern. ``known_at`` is when the interview was held: empty if it was not, and the end of the day
        if only the day is known. Nothing is dropped in silence; ``.attrs["accounting"]`` counts
        ``n_items = n_coded + n_repeated + n_answers + n_not_in_codebook``, and ``n_interviews``, ``n_known`` (see
        :func:`triggers_known`) and ``n_primary_not_listed`` (a main reason that is not among the reasons ticked).

    Raises
    ------
    ArgumentRefused
        If ``narratives`` is True.
    TableRefused
        If the table is not usable, or an interview has no ``interview_id``.

    Examples
    --------
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["1"], "child_id": ["A"], "status": ["completed"], "held_at": ["2026-01-07"],
    ...     "coded_triggers": [("home_conflict", "exploitation_criminal")]})
    >>> code_triggers(interviews)[["interview_id", "code", "status", "known_at"]]
      interview_id                   code     status                  known_at
    0            1          home_conflict    present 2026-01-08 00:00:00+00:00
    1            1  exploitation_criminal  suspected 2026-01-08 00:00:00+00:00
    """
    if narratives:
        raise ArgumentRefused("narratives=True: this version codes the worker's fields only, not the written account.")
    book = read_codebook() if codebook is None else codebook
    table = conform(interviews, INTERVIEWS)
    refuse_blank_ids(table)
    named = _name_codes(table, book)
    main = table["primary_trigger"].fillna("").to_numpy(dtype=object)
    has_main = np.flatnonzero(np.isin(main, book.codes)) if table["primary_trigger"].notna().any() else np.empty(0, int)
    listed = [main[row] in (table["coded_triggers"].iat[row] or ()) for row in has_main]
    known_at = when_known(table["held_at"]).array.take(named.row)
    suspected = np.array([d in SUSPECTED_DOMAINS for d in book.domains.values()], dtype=np.int64)
    result = conform(
        pd.DataFrame(
            {
                "interview_id": table["interview_id"].array.take(named.row),
                "child_id": table["child_id"].array.take(named.row),
                "code": pd.array(book.codes, dtype=TEXT).take(named.code),
                "status": pd.array(["present", "suspected"], dtype=TEXT).take(suspected[named.code]),
                "origin": _same("coded", len(named.row)),
                "voice": _same("worker", len(named.row)),
                "known_at": known_at,
            }
        ),
        TRIGGERS,
    )
    result.attrs["accounting"] = {
        "n_interviews": len(table),
        "n_known": int(named.is_known.sum()),
        "n_items": named.n_items,
        "n_coded": len(result),
        "n_repeated": named.n_repeated,
        "n_answers": named.n_answers,
        "n_not_in_codebook": named.n_items - len(result) - named.n_repeated - named.n_answers,
        "n_primary_not_listed": len(listed) - sum(listed),
    }
    return result


@dataclass(frozen=True, slots=True)
class _Named:
    """Each code that an interview names, once, in the order of the interviews and of their lists.

    ``row`` is the interview's position, ``code`` the position in the codebook; ``is_known`` has one flag per interview.
    """

    row: Ints
    code: Ints
    is_known: Flags
    n_items: int
    n_repeated: int
    n_answers: int


def _name_codes(table: pd.DataFrame, book: Codebook) -> _Named:
    flat = flatten(table["coded_triggers"])
    n = len(book.codes)
    # Codes are numbered as in the book, answers n, and what is neither n + 1.
    numbers = {**dict.fromkeys(NOT_CODES, n), **{code: k for k, code in enumerate(book.codes)}}
    found = map(numbers.get, flat.items, itertools.repeat(n + 1))
    number = np.fromiter(found, dtype=np.int64, count=len(flat.items))
    is_code = number < n
    row, code = flat.row[is_code], number[is_code]
    again = _stands_earlier(row * n + code)
    is_known = np.zeros(len(table), dtype=bool)
    is_known[row] = True
    nothing = np.flatnonzero(flat.sizes == 0)
    is_known[nothing] = table["coded_triggers"].iloc[nothing].notna().to_numpy()
    return _Named(
        row=row[~again],
        code=code[~again],
        is_known=is_known,
        n_items=len(number),
        n_repeated=int(again.sum()),
        n_answers=int((number == n).sum()),
    )


def _stands_earlier(key: Ints) -> Flags:
    order = np.argsort(key, kind="stable")
    again = np.empty(len(key), dtype=bool)
    again[order] = repeats(key[order])
    return again


def _same(text: str, n: int) -> ExtensionArray:
    return pd.array([text], dtype=TEXT).take(np.zeros(n, dtype=np.int64))


def triggers_known(interviews: pd.DataFrame, codebook: Codebook | None = None) -> pd.Series:
    """Return, for each interview, whether its triggers are known: the denominator of every share of triggers.

    They are known when at least one code of the codebook is named, or when the answer was recorded as none
    (``coded_triggers`` is ``()``). They are not when nothing is recorded (None), or when all that is recorded is
    unknown, declined to say, not recorded, or text that no code matches.

    Parameters
    ----------
    interviews : pd.DataFrame
        The interviews table.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.

    Returns
    -------
    pd.Series
        True or False, in the order of the interviews and with their index, named ``triggers_known``.

    Raises
    ------
    TableRefused
        If the table is not usable.

    Examples
    --------
    >>> interviews = pd.DataFrame({
    ...     "child_id": list("ABCD"), "coded_triggers": [("home_conflict",), (), None, ("unknown",)]})
    >>> triggers_known(interviews).tolist()
    [True, True, False, False]
    """
    book = read_codebook() if codebook is None else codebook
    known = answered(conform(interviews, INTERVIEWS), book)
    return pd.Series(known, index=interviews.index, name="triggers_known")


def answered(interviews: pd.DataFrame, codebook: Codebook) -> Flags:
    """Return what :func:`triggers_known` says of a conformed table.

    Raises
    ------
    Nothing.
    """
    return _name_codes(interviews, codebook).is_known


def when_known(times: pd.Series) -> pd.Series:
    """Return when facts of these times were known: at the time, or where only the day is known, when it had ended.

    Parameters
    ----------
    times : pd.Series
        Timestamps in Europe/London; exactly midnight means that only the day is known.

    Returns
    -------
    pd.Series
        Timestamps, never earlier than those given.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> held = pd.Series(["2026-01-05 16:30", "2026-03-29"], dtype="datetime64[us, Europe/London]")
    >>> when_known(held).dt.strftime("%d/%m %H:%M").tolist()
    ['05/01 16:30', '30/03 00:00']
    """
    local = times.dt.tz_localize(None).to_numpy()
    is_midnight = local == local.astype("datetime64[D]")
    known = times.array.copy()
    # A day and a half after a midnight is inside the next day, whichever way the clocks change.
    known[is_midnight] = (times[is_midnight] + pd.Timedelta(hours=36)).dt.normalize().array
    return pd.Series(known, index=times.index, name=times.name)


def refuse_blank_ids(table: pd.DataFrame) -> None:
    """Refuse interviews without an id, since links and triggers find their interview by it.

    Raises
    ------
    TableRefused
        If any ``interview_id`` is blank.
    """
    blank = table["interview_id"].isna().to_numpy()
    if blank.any():
        where = positions([int(i) for i in blank.nonzero()[0]])
        raise TableRefused.of_problems("interviews", [f"column 'interview_id' is blank at {where}"])
