"""Annex A, list 8: it holds numbers per child and no records, so what it counted has to be found out.

Each explanation is tried in turn, and stands only if it gives the child's number exactly; otherwise the difference is
unexplained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from missing_patterns.reconciliation.facts import INTERVIEWS, Facts
from missing_patterns.reconciliation.systems import PART_COLUMNS, why_absent

NAME = "annex_a"
#: Columns that the list adds to the children, by measure.
COLUMNS = {
    "missing": "n_missing_12m",
    "away": "n_away_12m",
    "offered_last": "rhi_offered_last",
    "accepted_last": "rhi_accepted_last",
}
#: From this many children with two or more absences, all counted as one, nothing else is tried.
MANY = 3

Parts = dict[str, int]
Table = dict[tuple[str, str], int]


def read_list(children: pd.DataFrame) -> pd.DataFrame:
    """Return the children on the list with what it says of each: ``child_id`` and a column per measure.

    Counts are whole numbers, the answers True, False or NA. A column that is absent is not recorded throughout.

    Raises
    ------
    Nothing.
    """
    told = pd.DataFrame({"child_id": children["child_id"]})
    for measure, column in COLUMNS.items():
        given = children[column] if column in children else pd.Series(pd.NA, index=children.index)
        if measure in INTERVIEWS:
            words = given.astype(object).map(lambda v: {True: "yes", False: "no"}.get(v, v) if not pd.isna(v) else None)
            given = words.map({"yes": True, "no": False}).astype("boolean")
        told[measure] = given if measure in INTERVIEWS else given.astype("Int64")
    return told[told.drop(columns="child_id").notna().any(axis=1)].reset_index(drop=True)


def count_list(told: pd.DataFrame) -> pd.DataFrame:
    """Return what the list counts: ``measure child_id n``.

    Raises
    ------
    Nothing.
    """
    parts = []
    numbers = told.assign(absences=told[["missing", "away"]].sum(axis=1, min_count=1))
    numbers["children"] = (numbers["absences"] > 0).astype("Int64").mask(numbers["absences"].isna())
    for measure in ("absences", "children", *COLUMNS):
        known = numbers[["child_id", measure]].dropna().rename(columns={measure: "n"})
        parts.append(known.assign(n=known["n"].astype(np.int64), measure=measure))
    return pd.concat(parts, ignore_index=True)[["measure", "child_id", "n"]]


@dataclass(frozen=True, slots=True, repr=False)
class _Clues:
    """What may explain the number of a child, by child and category; `rows` and `parts` also by system."""

    counted: dict[str, Table]
    placed: dict[str, Table]
    parts: dict[str, dict[tuple[str, str], Parts]]
    episodes: Table
    episodes_placed: Table
    before: Table
    # By category: how many children with two or more absences the list counts as one, if none of it has more than one.
    n_grouped: dict[str, int]


def explain_list(facts: Facts, told: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """Return why the list counts other than the episodes do: ``system measure child_id reason n``.

    Parameters
    ----------
    facts : Facts
    told : pd.DataFrame
        As :func:`read_list` gives it.
    parts : pd.DataFrame
        The explanations of the other systems: a list made from one of them has their differences.

    Raises
    ------
    Nothing.
    """
    clues = _gather(facts, told, parts)
    absent = why_absent(facts, NAME)
    on_list = set(told["child_id"])
    absent[(absent == "elsewhere") & ~facts.episodes["child_id"].isin(list(on_list))] = "not_on_list"
    lines = []
    for row in told.to_dict("records"):
        lines += _explain_child(row, clues)
    lines += _explain_others(facts, on_list, absent, told)
    lines += _explain_answers(facts, told, absent)
    table = pd.DataFrame(lines, columns=["measure", "child_id", "reason", "n"])
    return table.assign(system=NAME)[PART_COLUMNS]


def _table(rows: pd.DataFrame) -> Table:
    return {(str(c), str(k)): int(n) for (c, k), n in rows.groupby(["child_id", "category"]).size().items()}


def _gather(facts: Facts, told: pd.DataFrame, parts: pd.DataFrame) -> _Clues:
    rows, episodes = facts.rows[facts.rows["is_in"]], facts.episodes
    inside = episodes[episodes["is_in"]]
    # The list is made of the council's own records.
    of = {s: rows[rows["system"] == s] for s in facts.systems if s != "police"}
    by_child: dict[str, dict[tuple[str, str], Parts]] = {s: {} for s in facts.systems}
    for line in parts.to_dict("records"):
        key = (line["child_id"], line["measure"])
        by_child[line["system"]].setdefault(key, {})[line["reason"]] = int(line["n"])
    before = episodes[~episodes["is_in"] & (episodes["end"].isna() | (episodes["end"] >= facts.since))]
    counted = _table(inside)
    n_grouped = {}
    for category in ("missing", "away"):
        ones = told.loc[told[category] == 1, "child_id"]
        several = sum(counted.get((c, category), 0) >= 2 for c in ones)
        n_grouped[category] = 0 if (told[category] > 1).any() else several
    return _Clues(
        {s: _table(t) for s, t in of.items()},
        {s: _table(t[t["is_placed"]]) for s, t in of.items()},
        by_child,
        counted,
        _table(inside[inside["is_placed"]]),
        _table(before),
        n_grouped,
    )


def _explain_child(row: dict[str, object], clues: _Clues) -> list[tuple[str, str, str, int]]:
    """Explain the numbers of one child on the list."""
    child = str(row["child_id"])
    ours = {c: clues.episodes.get((child, c), 0) for c in ("missing", "away", "no_apparent_risk", "")}
    theirs = {c: None if pd.isna(row[c]) else int(str(row[c])) for c in ("missing", "away")}
    found: dict[str, Parts] = {}
    for category, said in theirs.items():
        if said is None:
            found[category] = {"not_answered": -ours[category]}
        else:
            found[category] = _explain_number(child, category, said, clues, is_shift=_is_shift(category, ours, theirs))
    lines = [(measure, child, reason, n) for measure, parts in found.items() for reason, n in parts.items()]
    total = sum(n for n in theirs.values() if n is not None)
    whole = Counter({r: n for r, n in _added(found.values()).items() if r != "category"})
    # What is left is of a category that the list has no column for, or that it counts in the other one.
    is_blank = all(n is None for n in theirs.values())
    whole["not_answered" if is_blank else "category"] += total - sum(ours.values()) - sum(whole.values())
    lines += [("absences", child, reason, n) for reason, n in whole.items() if n]
    only = int(total > 0) - int(sum(ours.values()) > 0)
    if only:
        fitting = [r for r, n in whole.most_common() if n * only > 0]
        lines.append(("children", child, fitting[0] if fitting else "unexplained", only))
    return lines


def _is_shift(category: str, ours: Parts, theirs: Mapping[str, int | None]) -> bool:
    """Say whether the list has absences of another category here: some it has no column for, or the other column's."""
    missing, away = theirs["missing"], theirs["away"]
    without_column = {ours["no_apparent_risk"], ours[""], ours["no_apparent_risk"] + ours[""]} - {0}
    if theirs[category] in {ours[category] + n for n in without_column}:
        return True
    usual = {ours["away"], ours["away"] + ours["no_apparent_risk"]}
    if missing is None or away is None or away in usual:
        return False
    return missing - ours["missing"] in {n - away for n in usual}


def _added(several: Iterable[Parts]) -> Counter[str]:
    total: Counter[str] = Counter()
    for parts in several:
        for reason, n in parts.items():
            total[reason] += n
    return total


def _explain_number(child: str, category: str, said: int, clues: _Clues, *, is_shift: bool) -> Parts:
    """Find what gives exactly this number instead of the number of episodes."""
    key = (child, category)
    ours = clues.episodes.get(key, 0)
    apart = said - ours
    if not apart:
        return {}
    is_one = said == 1 < ours and clues.n_grouped[category] > 0
    if is_one and clues.n_grouped[category] >= MANY:
        return {"grouped": apart}
    for system, counted in clues.counted.items():
        if counted.get(key, 0) == said:
            return dict(clues.parts[system].get(key, {}))
    if is_shift:
        return {"category": apart}
    if clues.episodes_placed.get(key, 0) == said:
        return {"outside_placement": apart}
    for system, placed in clues.placed.items():
        if placed.get(key, 0) == said:
            whole = dict(clues.parts[system].get(key, {}))
            whole["outside_placement"] = whole.get("outside_placement", 0) + apart - sum(whole.values())
            return whole
    if said == ours + clues.before.get(key, 0):
        return {"window_edge": apart}
    return {"grouped" if is_one else "unexplained": apart}


def _explain_others(
    facts: Facts, on_list: set[str], absent: pd.Series, told: pd.DataFrame
) -> list[tuple[str, str, str, int]]:
    """Explain the absences of children who are not on the list."""
    others = facts.episodes[facts.episodes["is_in"] & ~facts.episodes["child_id"].isin(list(on_list))]
    others = others.assign(reason=absent[others.index])
    lines = []
    for measure in ("missing", "away", "absences"):
        if measure != "absences" and told[measure].isna().all():
            continue
        chosen = others if measure == "absences" else others[others["category"] == measure]
        counts = chosen.groupby(["child_id", "reason"]).size()
        lines += [(measure, str(c), str(r), -int(n)) for (c, r), n in counts.items()]
    first = others.groupby(["child_id", "reason"]).size().rename("n").reset_index()
    first = first.sort_values(["n", "reason"], ascending=[False, True]).drop_duplicates("child_id")
    return lines + [("children", c, r, -1) for c, r in zip(first["child_id"], first["reason"], strict=True)]


def _explain_answers(facts: Facts, told: pd.DataFrame, absent: pd.Series) -> list[tuple[str, str, str, int]]:
    """Explain the answers, which are about the last absence only."""
    episodes, rows = facts.episodes, facts.rows
    last = episodes[episodes["last"]]
    lines = []
    for measure, flag in zip(INTERVIEWS, ("offered", "accepted"), strict=True):
        if told[measure].isna().all():
            continue
        ours = dict(zip(last["child_id"], zip(last[flag], last.index, strict=True), strict=True))
        theirs = dict(zip(told["child_id"], told[measure], strict=True))
        in_episodes = set(episodes.loc[episodes["is_in"] & episodes[flag], "child_id"])
        in_systems = rows[rows["is_in"]].groupby("child_id")[flag].agg(["any", "all"])
        for child in sorted({*ours, *theirs}):
            said, (is_ours, episode) = theirs.get(child, pd.NA), ours.get(child, (False, None))
            n = int(said is not pd.NA and bool(said)) - int(is_ours)
            if not n:
                continue
            if child not in theirs:
                reason = str(absent[episode])
            elif said is pd.NA:
                reason = "not_answered"
            else:
                # An earlier absence, or another system's record, of the window has the answer that the list has.
                earlier = child in in_episodes if n > 0 else not in_systems["all"].get(child, True)
                reason = "last_interview" if earlier else "unexplained"
            lines.append((measure, child, reason, n))
    return lines
