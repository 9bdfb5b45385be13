"""The same absence in several sources: found, numbered and told, never silently."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import pandas as pd

from missing_patterns import schema
from missing_patterns.errors import ArgumentRefused
from missing_patterns.ingest.across.absences import (
    ABSENT,
    DAY_US,
    MINUTE_US,
    Flags,
    Ints,
    Spans,
    distinct_pairs,
    gaps_between,
    join_absences,
)
from missing_patterns.ingest.log import Log

#: Source whose own reference is what others write as the police reference.
POLICE = "police"
#: What an id begins with if it is the number that the police give a person, not the council's of the child.
POLICE_PERSON = "police:"


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell: a rule, the positions of the incidents that it is about (none: all), and a detail."""

    rule: str
    rows: tuple[int, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Matched:
    """What was found to be the same. Made by :func:`match_sources`.

    Parameters
    ----------
    incidents : pd.DataFrame
        Those handed in, in their order, with ``absence_id``, and the council's ``child_id`` where the police's number
        of the person led to it.
    matches : pd.DataFrame
        The table ``matches``: one row per pair of incidents of two sources in one absence.
    notes : tuple of Note
        What to tell: counts per pair of sources, and the incidents whose child was found by the reference or was not.
    children : dict
        The police's number of a person -> the council's id of the child, where one leads to one.

    Raises
    ------
    Nothing.
    """

    incidents: pd.DataFrame
    matches: pd.DataFrame
    notes: tuple[Note, ...]
    children: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        n = self.incidents["absence_id"].nunique()
        found = f"absences in several sources: {n:,}, pairs: {len(self.matches):,}"
        return f"Matched: incidents: {len(self.incidents):,}, {found}"


def match_sources(incidents: pd.DataFrame, minutes: int = 60, facts: pd.DataFrame | None = None) -> Matched:
    """Find the records of different sources that are the same absence.

    Two records of one child (column ``source`` says whose) are the same absence

    1. if they share a reference: the police reference, which is also the own reference of a police record, or the
       incident's reference; their times may lie up to a day apart, since a reference can be mistyped;
    2. if their times overlap. A record without a return is taken to last a day, or until the source has the child go
       missing again. Where one is known by date only, the first record of a pair of dates goes with the first of the
       same dates, the second with the second; without a return the date of the start is enough; and any two that
       share more than the day on which one ends and the other begins overlap, as ``build_episodes`` has it;
    3. if one of them stands alone so far, and its start or return misses the nearest record by no more than
       ``minutes``. The other must not yet have a record of its source.

    Two records of one source are the same absence only through a record of another that overlaps both.

    Police records may bear the police's own number of a person (``child_id`` begins with ``police:``). Where a
    reference leads to one child of the council, the record takes that child's id; so do all records of the person if
    the person's references lead to one child and that child's to no other person.

    Parameters
    ----------
    incidents : pd.DataFrame
        The incidents table. A column ``ref``, if there is one, holds the reference as the source wrote it; otherwise
        ``incident_id`` does. An ``absence_id`` that is there is replaced.
    minutes : int, default 60
        The tolerance, from 0 (they must touch).
    facts : pd.DataFrame, optional
        What rows say of children: ``child_id birth sex``. A person whose birth and sex both differ from the child's is
        another, whatever the references say.

    Returns
    -------
    Matched

    Raises
    ------
    ArgumentRefused
        If ``minutes`` is not a whole number from 0.
    TableRefused
        If the table is not usable.

    Examples
    --------
    >>> incidents = pd.DataFrame(
    ...     [["T1", "A", "2026-01-05 21:00", "2026-01-06 01:00", "rhi_tracker"],
    ...      ["S1", "A", "2026-01-05 21:20", "2026-01-06 01:00", "ssd"],
    ...      ["S2", "A", "2026-01-09 21:00", "2026-01-09 23:00", "ssd"]],
    ...     columns=["incident_id", "child_id", "missing_from", "returned_at", "source"])
    >>> matched = match_sources(incidents)
    >>> matched
    Matched: incidents: 3, absences in several sources: 1, pairs: 1
    >>> matched.matches[["incident_id", "other_incident_id", "matched_by", "start_apart_minutes"]].values.tolist()
    [['T1', 'S1', 'time', 20.0]]
    >>> print(matched.notes[0].detail)
    rhi_tracker and ssd: 0 by reference, 1 by child and time; starts differ by 20 minutes in the median;
    0 and 1 records have no partner there
    """
    if isinstance(minutes, bool) or not isinstance(minutes, int | np.integer) or minutes < 0:
        raise ArgumentRefused("minutes must be a whole number from 0.")
    table = schema.conform(incidents, replace(schema.INCIDENTS, key=""))
    sources = table["source"].fillna("")
    if sources.nunique() < 2:
        return Matched(table.assign(absence_id=_text([None] * len(table))), schema.empty(schema.MATCHES), ())
    keys = _Keys.of(table, sources)
    child, people, notes = _find_children(table, sources, keys, facts)
    table["child_id"] = child

    order = _in_order(table, sources)
    spans = _spans(table, sources, order)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    named, far = _share_reference(table, sources, keys, spans, back)
    groups, near = join_absences(spans, named, int(minutes))

    sizes = np.bincount(groups, minlength=len(groups))
    ids = table["incident_id"].to_numpy(dtype=object)
    first = order[groups][back]
    absence = [
        f"A-{ids[i]}" if n > 1 else None for i, n in zip(first.tolist(), sizes[groups][back].tolist(), strict=True)
    ]
    table["absence_id"] = _text(absence)
    pairs = _pairs_of(spans, groups)
    matches = _describe(table, spans, order, pairs, named)
    names = np.unique(sources.to_numpy(dtype=object).astype(str))
    notes += _count_pairs(matches, spans, pairs, near, names, int(minutes))
    if len(far):
        notes.append(Note("ref_far_apart", tuple(sorted({int(i) for i in far.ravel()}))))
    return Matched(table, matches, tuple(notes), people)


def tell_matches(matched: Matched, log: Log) -> None:
    """Write what was found into the log, where the incidents still say which file, sheet and line they stand in.

    Raises
    ------
    Nothing.
    """
    for note in matched.notes:
        if not note.rows:
            log.add(note.rule, "", detail=note.detail)
            continue
        rows = matched.incidents.iloc[list(note.rows)]
        for (file, sheet), group in rows.groupby(["file", "sheet"], sort=True):
            log.add(note.rule, str(file), str(sheet), lines=group["line"].tolist(), detail=note.detail)


def rename_children(facts: pd.DataFrame, before: pd.DataFrame, matched: Matched) -> pd.DataFrame:
    """Give what sheets say of children the ids that their incidents took, by the row that both stand in.

    Parameters
    ----------
    facts : pd.DataFrame
        Rows with ``child_id file sheet row``.
    before : pd.DataFrame
        The incidents that were handed to :func:`match_sources`, with ``file sheet row``.
    matched : Matched

    Returns
    -------
    pd.DataFrame
        A new frame. A person in a row without an incident takes the child's id if one leads to one.

    Raises
    ------
    Nothing.
    """
    old, new = before["child_id"].to_numpy(dtype=object), matched.incidents["child_id"].to_numpy(dtype=object)
    moved = np.flatnonzero(old != new)
    if not len(moved):
        return facts.copy()
    place = ["file", "sheet", "row"]
    by_row = dict(zip(map(tuple, before.iloc[moved][place].to_numpy(dtype=object)), new[moved], strict=True))
    ids = facts["child_id"].to_numpy(dtype=object)
    rows = zip(map(tuple, facts[place].to_numpy(dtype=object)), ids, strict=True)
    return facts.assign(child_id=_text([by_row.get(at, matched.children.get(i, i)) for at, i in rows]))


# --- references and children -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Keys:
    """The references of the records, one row each: position, reference. A police record may have two of the police."""

    police: pd.DataFrame
    own: pd.DataFrame

    @classmethod
    def of(cls, table: pd.DataFrame, sources: pd.Series) -> _Keys:
        ref = table["ref"] if "ref" in table else table["incident_id"]
        own = _folded(ref.astype(schema.TEXT))
        police = pd.concat([_folded(table["police_ref"]), own[(sources == POLICE).to_numpy(dtype=bool)]])
        return cls(_as_rows(police), _as_rows(own))


def _as_rows(refs: pd.Series) -> pd.DataFrame:
    known = refs.dropna()
    return pd.DataFrame({"at": known.index, "ref": known.to_numpy(dtype=object)}).drop_duplicates()


def _text(values: list[str | None]) -> pd.Series:
    return pd.Series(values, dtype=schema.TEXT)


def _folded(refs: pd.Series) -> pd.Series:
    folded: pd.Series = refs.str.strip().str.upper()
    return folded.where(folded != "")


def _share(keys: pd.DataFrame, sources: Ints, rows: Flags, others: Flags) -> Ints:
    """Return the pairs of positions, one of `rows` and one of `others`, of different sources, with the same keys."""
    at = keys["at"].to_numpy()
    both = keys[rows[at]].merge(keys[others[at]], on=[c for c in keys if c != "at"])
    pairs = np.sort(both[["at_x", "at_y"]].to_numpy(dtype=np.int64), axis=1)
    pairs = pairs[sources[pairs[:, 0]] != sources[pairs[:, 1]]]
    return distinct_pairs(pairs, len(sources))


def _find_children(
    table: pd.DataFrame, sources: pd.Series, keys: _Keys, facts: pd.DataFrame | None
) -> tuple[pd.Series, dict[str, str], list[Note]]:
    """Return the child of each record, whom each person of the police is, and what to tell."""
    ids = table["child_id"]
    person = ids.str.startswith(POLICE_PERSON).to_numpy(dtype=bool)
    if not person.any():
        return ids, {}, []
    pairs = _share(keys.police, _codes(sources), person, ~person)
    pairs = pairs[gaps_between(_spans(table, sources, np.arange(len(table))), pairs) <= DAY_US]
    mine = np.where(person[pairs[:, 0]], pairs[:, 0], pairs[:, 1])
    other = pairs.sum(axis=1) - mine
    found = pd.DataFrame(
        {"row": mine, "person": ids.iloc[mine].to_numpy(object), "child": ids.iloc[other].to_numpy(object)}
    )
    found = found.drop_duplicates(["row", "child"])
    led = set(found["person"])
    if facts is not None and len(found):
        found = found[~_are_others(found, facts)]
    # Siblings may share a police reference: it says of neither which person is which child.
    clear = found[~found["row"].duplicated(keep=False)]
    shared = clear.merge(keys.police, left_on="row", right_on="at").groupby("ref")["person"].nunique()
    doubled = keys.police.loc[keys.police["ref"].isin(shared.index[shared > 1]), "at"]
    clear = clear[~clear["row"].isin(doubled)]
    said = clear[["person", "child"]].drop_duplicates()
    said = said[~said["person"].duplicated(keep=False) & ~said["child"].duplicated(keep=False)]
    people = dict(zip(said["person"], said["child"], strict=True))
    by_row = dict(zip(clear["row"], clear["child"], strict=True))
    child = [by_row.get(i, people.get(c, c)) if p else c for i, (c, p) in enumerate(zip(ids, person, strict=True))]
    new = _text(child)
    took = np.flatnonzero((new != ids).to_numpy(dtype=bool))
    left = np.flatnonzero(person & (new == ids).to_numpy(dtype=bool))
    unclear = tuple(i for i in left.tolist() if ids.iloc[i] in led)
    nowhere = tuple(i for i in left.tolist() if ids.iloc[i] not in led)
    told = (("child_by_reference", tuple(took.tolist())), ("person_unclear", unclear), ("person_unknown", nowhere))
    return new, people, [Note(rule, rows) for rule, rows in told if rows]


def _are_others(found: pd.DataFrame, facts: pd.DataFrame) -> np.ndarray:
    """Say where date of birth and sex of a person and of the child both differ."""
    apart = np.ones(len(found), dtype=bool)
    for name in ("birth", "sex"):
        said = facts.loc[facts[name].notna(), ["child_id", name]]
        if name == "sex":
            said = said[said["sex"] != "not_stated"]
        said = said.drop_duplicates("child_id").set_index("child_id")[name]
        # Not map, which loses the type where nothing is said of anybody.
        one, other = (said.reindex(found[c].tolist()).reset_index(drop=True) for c in ("person", "child"))
        apart &= (one.notna() & other.notna() & (one != other)).fillna(False).to_numpy(dtype=bool)
    return apart


def _share_reference(
    table: pd.DataFrame, sources: pd.Series, keys: _Keys, spans: Spans, back: Ints
) -> tuple[Ints, Ints]:
    """Return the pairs that share a reference, as positions in order, and those too far apart, as positions of rows."""
    every = np.ones(len(table), dtype=bool)
    child = table["child_id"].to_numpy(dtype=object)
    of_child = [k.assign(child=child[k["at"]]) for k in (keys.police, keys.own)]
    pairs = np.concatenate([_share(k, _codes(sources), every, every) for k in of_child])
    is_far = gaps_between(spans, back[pairs]) > DAY_US
    return distinct_pairs(np.sort(back[pairs[~is_far]], axis=1), len(spans)), pairs[is_far]


# --- times -------------------------------------------------------------------------------------------------------


def _us(times: pd.Series) -> Ints:
    naive = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    stamps: Ints = naive.astype(np.int64)
    return stamps


def _days(times: pd.Series) -> Ints:
    days: Ints = times.dt.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)
    return days


def _codes(values: pd.Series) -> Ints:
    codes: Ints = pd.factorize(values, sort=True)[0].astype(np.int64)
    return codes


def _in_order(table: pd.DataFrame, sources: pd.Series) -> Ints:
    """Return the positions in order of child, start, end, source and id, whatever the order of the rows."""
    ids, child = _codes(table["incident_id"].fillna("")), _codes(table["child_id"])
    order: Ints = np.lexsort((ids, _codes(sources), _us(table["returned_at"]), _us(table["missing_from"]), child))
    return order


def _spans(table: pd.DataFrame, sources: pd.Series, order: Ints) -> Spans:
    is_day = (table["precision"] == "day").fillna(False).to_numpy(dtype=bool)
    start, end = table["missing_from"], table["returned_at"]
    return Spans(
        child=_codes(table["child_id"])[order],
        source=_codes(sources)[order],
        start=_us(start)[order],
        end=_us(end)[order],
        day0=_days(start)[order],
        day1=_days(end)[order],
        is_day=is_day[order],
    )


# --- what was found ----------------------------------------------------------------------------------------------


def _pairs_of(spans: Spans, groups: Ints) -> Ints:
    """Return every pair of records of two sources in one group, in order."""
    sizes = np.bincount(groups, minlength=len(groups))
    inside = np.flatnonzero(sizes[groups] > 1)
    inside = inside[np.argsort(groups[inside], kind="stable")]
    cuts = np.flatnonzero(np.diff(groups[inside])) + 1
    sources = spans.source.tolist()
    pairs = [
        pair
        for group in np.split(inside, cuts)
        for pair in combinations(group.tolist(), 2)
        if sources[pair[0]] != sources[pair[1]]
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _describe(table: pd.DataFrame, spans: Spans, order: Ints, pairs: Ints, named: Ints) -> pd.DataFrame:
    a, b = pairs[:, 0], pairs[:, 1]
    ids = table["incident_id"].to_numpy(dtype=object)
    known = set(map(tuple, named.tolist()))
    timed = ~(spans.is_day[a] | spans.is_day[b])
    ended = timed & (spans.end[a] != ABSENT) & (spans.end[b] != ABSENT)
    ends = [np.where(spans.end[k] == ABSENT, 0, spans.end[k]) for k in (a, b)]
    return schema.conform(
        pd.DataFrame(
            {
                "incident_id": _text(ids[order[a]].tolist()),
                "other_incident_id": _text(ids[order[b]].tolist()),
                "matched_by": _text(["reference" if pair in known else "time" for pair in map(tuple, pairs.tolist())]),
                "start_apart_minutes": np.where(timed, abs(spans.start[a] - spans.start[b]) / MINUTE_US, np.nan),
                "end_apart_minutes": np.where(ended, abs(ends[0] - ends[1]) / MINUTE_US, np.nan),
            }
        ),
        schema.MATCHES,
    )


def _count_pairs(
    matches: pd.DataFrame, spans: Spans, pairs: Ints, near: Ints, names: np.ndarray, minutes: int
) -> list[Note]:
    """Return a note per two sources that have a child in common: how many are the same, how found, how far apart."""
    notes = []
    is_named = (matches["matched_by"] == "reference").to_numpy(dtype=bool)
    apart = matches["start_apart_minutes"].to_numpy(dtype=np.float64)
    of, of_near = (np.sort(spans.source[p], axis=1) for p in (pairs, near))
    for a, b in combinations(range(len(names)), 2):
        these = (of == (a, b)).all(axis=1)
        n_near = int((of_near == (a, b)).all(axis=1).sum())
        words = f"{int((these & is_named).sum()):,} by reference, {int((these & ~is_named).sum()):,} by child and time"
        if n_near:
            words += f", {n_near:,} of them only within the tolerance of {minutes} minutes"
        if these.any() and not np.isnan(apart[these]).all():
            words += f"; starts differ by {np.nanmedian(apart[these]):,.0f} minutes in the median"
        paired = np.unique(pairs[these])
        alone = [int((spans.source == s).sum() - (spans.source[paired] == s).sum()) for s in (a, b)]
        words += f"; {alone[0]:,} and {alone[1]:,} records have no partner there"
        notes.append(Note("matched", (), f"{names[a] or 'no source'} and {names[b] or 'no source'}: {words}"))
    return notes
