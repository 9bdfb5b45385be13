"""From the trigger table to counts: which interviews can say anything about triggers, and what they named.

One place decides which interviews count, so that shares, types and later patterns have the same denominators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.errors import ArgumentRefused, TableRefused, positions

Level = Literal["code", "domain"]

#: Held, and its own interview: a row ``covered_by_other`` repeats what another row already holds.
COUNTED_STATUSES = ("completed", "completed_partial")
NAMED = ("present", "suspected")


class TriggerCounts(NamedTuple):
    """Each child's interviews: how many named an item, out of how many with known triggers.

    Parameters
    ----------
    counts, trials : pd.DataFrame
        One row per child (index ``child_id``, sorted), one column per item (code or domain, in the codebook's
        order), whole numbers with ``0 <= counts <= trials``. They unpack: ``fit(*child_trigger_counts(...))``.

    Raises
    ------
    Nothing.
    """

    counts: pd.DataFrame
    trials: pd.DataFrame

    def __repr__(self) -> str:
        return f"TriggerCounts: {len(self.counts):,} children, {self.counts.shape[1]} items"


@dataclass(frozen=True, slots=True, repr=False)
class Named:
    """What counts: the interviews with known triggers, and the pairs of interview and item that they named."""

    known: pd.DataFrame  # interview_id child_id
    pairs: pd.DataFrame  # interview_id child_id item is_suspected, one row per pair
    items: pd.DataFrame  # item label domain side
    n_held: int
    n_not_held_with_triggers: int
    n_not_in_codebook: int


def named_items(triggers: pd.DataFrame, interviews: pd.DataFrame, codebook: Codebook | None, level: Level) -> Named:
    """Choose the interviews that count and list the items that each of them named.

    An interview counts when it was held as an interview of its own (``completed``, ``completed_partial``). Its
    triggers are known when it names at least one code of the codebook (present or suspected), or when the answer
    was recorded as none (``coded_triggers`` is ``()``). All others are unknown, which is never "no".

    Raises
    ------
    ArgumentRefused
        If ``level`` is neither code nor domain.
    TableRefused
        If a table is not one, or an interview has no ``interview_id`` to find its triggers by.
    """
    if level not in ("code", "domain"):
        raise ArgumentRefused("level must be 'code' or 'domain'.")
    book = read_codebook() if codebook is None else codebook
    interviews = schema.conform(interviews, schema.INTERVIEWS)
    triggers = schema.conform(triggers, schema.TRIGGERS)
    if (blank := interviews["interview_id"].isna()).any():
        where = positions([int(i) for i in blank.to_numpy().nonzero()[0]])
        raise TableRefused.of_problems("interviews", [f"column 'interview_id' is blank at {where}"])

    said = triggers.loc[triggers["status"].isin(NAMED), ["interview_id", "code", "status"]]
    in_book = said["code"].isin(book.codes)
    held = interviews["status"].isin(COUNTED_STATUSES)
    has_code = interviews["interview_id"].isin(said.loc[in_book, "interview_id"])
    asked_none = pd.Series([v == () for v in interviews["coded_triggers"]], index=interviews.index, dtype=bool)
    known = interviews.loc[held & (has_code | asked_none), ["interview_id", "child_id"]].reset_index(drop=True)

    pairs = said[in_book].merge(known, on="interview_id", how="inner", validate="many_to_one")
    pairs["item"] = pairs["code"] if level == "code" else pairs["code"].map(book.domains)
    pairs["is_suspected"] = pairs["status"].eq("suspected").astype(bool)
    # Named twice (ticked and written, or two codes of one domain) is named once; present outranks suspected.
    pairs = pairs.sort_values("is_suspected", kind="stable").drop_duplicates(["interview_id", "item"])
    return Named(
        known=known,
        pairs=pairs[["interview_id", "child_id", "item", "is_suspected"]].reset_index(drop=True),
        items=_items(book, level),
        n_held=int(held.sum()),
        n_not_held_with_triggers=int((has_code & ~held).sum()),
        n_not_in_codebook=int((~in_book).sum()),
    )


def child_trigger_counts(
    triggers: pd.DataFrame,
    interviews: pd.DataFrame,
    codebook: Codebook | None = None,
    level: Level = "domain",
) -> TriggerCounts:
    """Count, for each child, the interviews that named each item out of those with known triggers.

    A child interviewed once and a child interviewed thirty times both count rightly: what is kept is *k of m*.
    Flags of "ever named" would measure how often a child was interviewed, not why it went.

    Parameters
    ----------
    triggers : pd.DataFrame
        The trigger table, as ``code_triggers`` makes it. Present and suspected count as named.
    interviews : pd.DataFrame
        The interviews that the triggers came from, all of them: those that named nothing are the denominator.
    codebook : Codebook, optional
        None takes the codebook that ships with the library.
    level : {"domain", "code"}, default "domain"
        What the items are. On made-up boroughs types fitted on codes come closer to the true ones (adjusted Rand
        index 0.51-0.69 against 0.30-0.38 on domains); domains make the smaller table to show.

    Returns
    -------
    TriggerCounts
        Children with at least one interview whose triggers are known.

    Raises
    ------
    ArgumentRefused
        If ``level`` is not known.
    TableRefused
        If a table cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["1", "2", "3"], "child_id": ["A", "A", "B"],
    ...     "status": ["completed", "completed", "declined"],
    ...     "coded_triggers": [("home_conflict",), (), None]})
    >>> triggers = pd.DataFrame({"interview_id": ["1"], "child_id": ["A"], "code": ["home_conflict"],
    ...     "status": ["present"]})
    >>> table = child_trigger_counts(triggers, interviews)
    >>> table
    TriggerCounts: 1 children, 10 items
    >>> int(table.counts.loc["A", "home"]), int(table.trials.loc["A", "home"])
    (1, 2)
    """
    named = named_items(triggers, interviews, codebook, level)
    items = list(named.items["item"])
    children = sorted(named.known["child_id"].unique())
    tally = named.pairs.groupby(["child_id", "item"]).size().unstack(fill_value=0)
    counts = tally.reindex(index=children, columns=items, fill_value=0).astype("int64")
    answered = named.known["child_id"].value_counts().reindex(children, fill_value=0).astype("int64")
    trials = pd.DataFrame(dict.fromkeys(items, answered), index=children).astype("int64")
    for frame in (counts, trials):
        frame.index = pd.Index(children, dtype=schema.TEXT, name="child_id")
        frame.columns = pd.Index(items)
    return TriggerCounts(counts, trials)


def as_counts(counts: TriggerCounts | pd.DataFrame, trials: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bring counts and trials, in any of the forms that are taken, to two frames of floats.

    Without trials each cell of a frame is one answer: true/1, false/0, or not recorded.

    Raises
    ------
    ArgumentRefused
        If they are not whole numbers with 0 <= counts <= trials on the same rows and columns.

    Examples
    --------
    >>> import pandas as pd
    >>> counts, trials = as_counts(pd.DataFrame({"home": [True, None]}), None)
    >>> counts["home"].tolist(), trials["home"].tolist()
    ([1.0, 0.0], [1.0, 0.0])
    """
    if isinstance(counts, TriggerCounts):
        if trials is not None:
            raise ArgumentRefused("trials are already in the counts.")
        counts, trials = counts
    if not isinstance(counts, pd.DataFrame) or not (trials is None or isinstance(trials, pd.DataFrame)):
        raise ArgumentRefused("counts and trials must be DataFrames, children x items.")
    k = _floats(counts)
    if trials is None:
        m = k.notna().astype("float64")
        k = k.fillna(0.0)
    else:
        m = _floats(trials)
        if not (m.columns.equals(k.columns) and m.index.equals(k.index)):
            raise ArgumentRefused("counts and trials must have the same rows and columns, in the same order.")
    if not k.columns.is_unique:
        raise ArgumentRefused("a column stands twice.")
    whole = np.all(k.to_numpy() == np.floor(k.to_numpy())) and np.all(m.to_numpy() == np.floor(m.to_numpy()))
    if not (whole and np.all(k.to_numpy() >= 0) and np.all(k.to_numpy() <= m.to_numpy())):
        raise ArgumentRefused("counts must be whole numbers, none below 0 and none above trials (1 without trials).")
    return k, m


def _items(book: Codebook, level: Level) -> pd.DataFrame:
    if level == "code":
        columns = {"code": "item", "label": "label", "domain": "domain", "side": "side"}
        return book.table[list(columns)].rename(columns=columns)
    domains = list(dict.fromkeys(book.table["domain"]))
    label = [book.domain_label(d) for d in domains]
    return pd.DataFrame({"item": domains, "label": label, "domain": domains})


def _floats(frame: pd.DataFrame) -> pd.DataFrame:
    try:
        return pd.DataFrame(
            {i: pd.to_numeric(frame.iloc[:, i]).astype("Float64").astype("float64") for i in range(frame.shape[1])},
            index=frame.index,
        ).set_axis(frame.columns, axis=1)
    except (ValueError, TypeError):
        raise ArgumentRefused("counts and trials must hold numbers, or true and false.") from None
