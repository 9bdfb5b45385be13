"""From what the worker ticked to the trigger table."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from missing_patterns.codebook import ANSWERS_NOT_TRIGGERS, Codebook, read_codebook
from missing_patterns.errors import ArgumentRefused, TableRefused, positions
from missing_patterns.schema import INTERVIEWS, TEXT, TRIGGERS, conform

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
    domains = book.domains
    at: list[int] = []
    codes: list[str] = []
    counts: Counter[str] = Counter()
    for row, items in enumerate(table["coded_triggers"]):
        named = Counter(items or ())
        for item, times in named.items():
            if item in domains:
                at.append(row)
                codes.append(item)
                counts["repeated"] += times - 1
            else:
                counts["answers" if item in NOT_CODES else "not_in_codebook"] += times
    source = table.iloc[at].reset_index(drop=True)
    result = conform(
        pd.DataFrame(
            {
                "interview_id": source["interview_id"],
                "child_id": source["child_id"],
                "code": pd.Series(codes, dtype=TEXT),
                "status": ["suspected" if domains[c] in SUSPECTED_DOMAINS else "present" for c in codes],
                "origin": "coded",
                "voice": "worker",
                "known_at": when_known(source["held_at"]),
            }
        ),
        TRIGGERS,
    )
    main = table["primary_trigger"].fillna("")
    listed = [m in (items or ()) for m, items in zip(main, table["coded_triggers"], strict=True)]
    result.attrs["accounting"] = {
        "n_interviews": len(table),
        "n_known": int(triggers_known(table, book).sum()),
        "n_items": sum(len(items) for items in table["coded_triggers"] if items),
        "n_coded": len(result),
        "n_repeated": counts["repeated"],
        "n_answers": counts["answers"],
        "n_not_in_codebook": counts["not_in_codebook"],
        "n_primary_not_listed": int((main.isin(book.codes) & ~np.array(listed, dtype=bool)).sum()),
    }
    return result


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
    codes = set((read_codebook() if codebook is None else codebook).codes)
    table = conform(interviews, INTERVIEWS)
    known = [items is not None and (not items or not codes.isdisjoint(items)) for items in table["coded_triggers"]]
    return pd.Series(known, index=interviews.index, dtype=bool, name="triggers_known")


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
    midnight = times.dt.normalize()
    # A day and a half after a midnight is inside the next day, whichever way the clocks change.
    return times.where(times != midnight, (midnight + pd.Timedelta(hours=36)).dt.normalize())


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
