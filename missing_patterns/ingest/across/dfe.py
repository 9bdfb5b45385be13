"""The DfE's checks of the SSDA903 table ``Missing`` that need other rows or other tables of the return.

The others (1004, 1005, 565, 567, 574 and 586) need one row and are raised where it is read. The logic is that of Data
to Insight's open validator; where its code and the wording of a rule differ, the wording is followed and a comment
says how. Nothing here sets a row aside: a return may break these rules and still say who was missing when.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from missing_patterns.ingest.rules import RULES
from missing_patterns.schema import require

#: The rules that need each thing that may not be there.
NEED_PLACEMENTS = (
    *("dfe_open_after_placement", "dfe_outside_care", "dfe_start_outside_care"),
    *("dfe_start_outside_placements", "dfe_no_placement"),
)
NEED_REASONS = ("dfe_left_at_18",)
NEED_HEADER = ("dfe_not_in_header", "dfe_header_birth")
NEED_YEAR = ("dfe_start_after_year", "dfe_end_outside_year")
NEED_LAST_YEAR = ("dfe_open_last_year",)

_FAR = pd.Timestamp("2262-01-01")
_ADULT = 18


@dataclass(frozen=True, slots=True, repr=False)
class Checked:
    """What the DfE's checks found.

    Parameters
    ----------
    found : pd.DataFrame
        One row per breach: ``table`` (``missing`` or ``placements``), ``row`` (label in that frame's index), ``rule``
        (name in the register) and ``field`` ("" = the whole row).
    not_checked : tuple of str
        Numbers of the rules that need what is not here.
    n_dropped : int
        Children of 576 without any row to point at: open in last year's file, and not in this year's at all.

    Raises
    ------
    Nothing.
    """

    found: pd.DataFrame
    not_checked: tuple[str, ...] = ()
    n_dropped: int = 0

    def __repr__(self) -> str:
        return f"Checked: {len(self.found)} breaches, {len(self.not_checked)} rules not checked"


@dataclass(slots=True)
class _Found:
    parts: list[pd.DataFrame] = field(default_factory=list)

    def add(self, rule: str, where: pd.Series, *, field: str, table: str = "missing") -> None:
        labels = where.index[where.to_numpy(dtype=bool)]
        self.parts.append(pd.DataFrame({"table": table, "row": labels, "rule": rule, "field": field}, index=None))

    def frame(self) -> pd.DataFrame:
        filled = [part for part in self.parts if len(part)]
        if not filled:
            return pd.DataFrame({"table": [], "row": [], "rule": [], "field": []}, dtype=object)
        return pd.concat(filled, ignore_index=True)


def check_missing(
    missing: pd.DataFrame,
    placements: pd.DataFrame | None = None,
    header: pd.DataFrame | None = None,
    *,
    year: int | None = None,
    previous_missing: pd.DataFrame | None = None,
) -> Checked:
    """Hold the rows of one year's table ``Missing`` against the rest of the return.

    Parameters
    ----------
    missing : pd.DataFrame
        One row per row of the table: ``child_id``, ``birth``, ``category`` (as read: M or A), ``missing_from`` and
        ``returned_at``. Dates, whole days; a column that the file does not have may be left out but for ``child_id``.
    placements : pd.DataFrame, optional
        One row per row of ``Episodes``: ``child_id``, ``started_on``, ``ended_on`` and, where it is kept,
        ``reason_ended``. None = the run has no such table.
    header : pd.DataFrame, optional
        One row per row of ``Header``: ``child_id`` and ``birth``. None = the run has no such table.
    year : int, optional
        The collection year by its end: 2026 runs from 1 April 2025 to 31 March 2026, both days in it. None = unknown.
    previous_missing : pd.DataFrame, optional
        The table of the year before: ``child_id``, ``missing_from``, ``returned_at``.

    Returns
    -------
    Checked
        Every breach, and the numbers of the rules that could not be looked at.

    Raises
    ------
    TableRefused
        If a frame has no ``child_id``.

    Examples
    --------
    >>> missing = pd.DataFrame({"child_id": ["A", "A"], "category": ["M", "m"],
    ...                         "missing_from": ["2026-03-31", "2026-04-01"]})
    >>> checked = check_missing(missing, year=2026)
    >>> [(r.row, RULES[r.rule].code) for r in checked.found.itertuples()]
    [(1, '1006'), (1, '570')]
    >>> checked.not_checked
    ('575', '576', '577', '578', '580', '581', '1012', 'INT04', 'INT13')
    """
    rows = _dated(missing, "missing", ("birth", "missing_from", "returned_at"))
    found = _Found()
    skipped: list[str] = []
    _check_types(rows, found)
    if year is None:
        skipped += NEED_YEAR
    else:
        _check_year(rows, year, found)
    if placements is None:
        skipped += NEED_PLACEMENTS + NEED_REASONS
    else:
        spells = _dated(placements, "placements", ("started_on", "ended_on"))
        _check_care(rows, spells, found)
        _check_placements(rows, spells, found)
        if "reason_ended" in spells:
            _check_left_at_18(rows, spells, found)
        else:
            skipped += NEED_REASONS
    if header is None:
        skipped += NEED_HEADER
    else:
        _check_header(rows, _dated(header, "header", ("birth",)), found)
    n_dropped = 0
    if previous_missing is None:
        skipped += NEED_LAST_YEAR
    else:
        before = _dated(previous_missing, "previous_missing", ("missing_from", "returned_at"))
        n_dropped = _check_last_year(rows, before, found)
    return Checked(found.frame(), _codes(skipped), n_dropped)


def _codes(names: list[str]) -> tuple[str, ...]:
    return tuple(rule.code for name, rule in RULES.items() if name in names)


def _dated(frame: pd.DataFrame, name: str, dates: tuple[str, ...]) -> pd.DataFrame:
    """Return the frame with its dates as naive days, and columns that it does not have as not recorded."""
    require(frame, ["child_id"], name)
    done = frame.copy()
    for column in dates:
        given = pd.to_datetime(done[column]) if column in done else pd.Series(pd.NaT, index=done.index)
        naive = given.dt.tz_localize(None) if given.dt.tz is not None else given
        done[column] = naive.dt.normalize().astype("datetime64[us]")
    done["child_id"] = done["child_id"].astype(object)
    done["_at"] = range(len(done))
    return done


def _check_types(rows: pd.DataFrame, found: _Found) -> None:
    if "category" not in rows:
        return
    given = rows["category"].astype(object).where(rows["category"].notna(), "").astype(str).str.strip()
    is_blank = given == ""
    # 1006 asks for the capital letter, 564 takes either: a small m is a type, but not one that the DfE reads.
    found.add("dfe_type_unknown", ~is_blank & ~given.isin(["M", "A"]), field="category")
    found.add(
        "dfe_type_without_start", given.str.upper().isin(["M", "A"]) & rows["missing_from"].isna(), field="missing_from"
    )
    found.add("dfe_end_without_type", is_blank & rows["returned_at"].notna(), field="category")


def _check_year(rows: pd.DataFrame, year: int, found: _Found) -> None:
    first, last = pd.Timestamp(year - 1, 4, 1), pd.Timestamp(year, 3, 31)
    found.add("dfe_start_after_year", rows["missing_from"] > last, field="missing_from")
    ends = rows["returned_at"]
    found.add("dfe_end_outside_year", (ends < first) | (ends > last), field="returned_at")


def care_periods(spells: pd.DataFrame) -> pd.DataFrame:
    """Join placements that follow each other on the same day, or overlap, into periods of care.

    Parameters
    ----------
    spells : pd.DataFrame
        Placements with ``child_id``, ``started_on`` and ``ended_on`` as naive days.

    Returns
    -------
    pd.DataFrame
        One row per period of care: ``child_id``, ``began`` and ``ended`` (``NaT`` = still looked after). The
        validator compares a placement with the one before it only; here a long placement that holds a shorter one
        keeps the period open, as the wording has it.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> days = pd.to_datetime(["2025-01-01", "2025-02-01", "2025-06-01"])
    >>> ends = pd.to_datetime(["2025-02-01", "2025-03-01", None])
    >>> care_periods(pd.DataFrame({"child_id": "A", "started_on": days, "ended_on": ends}))["began"].dt.month.tolist()
    [1, 6]
    """
    known = spells[spells["started_on"].notna()].sort_values(["child_id", "started_on"], kind="stable")
    ends = known["ended_on"].fillna(_FAR)
    latest = ends.groupby(known["child_id"], sort=False).cummax()
    before = latest.groupby(known["child_id"], sort=False).shift()
    is_new = before.isna() | (known["started_on"] > before)
    number = is_new.cumsum()
    periods = pd.DataFrame(
        {
            "child_id": known["child_id"].groupby(number).first(),
            "began": known["started_on"].groupby(number).min(),
            "ended": ends.groupby(number).max(),
        }
    )
    periods["ended"] = periods["ended"].mask(periods["ended"] == _FAR)
    return periods.reset_index(drop=True)


def _check_care(rows: pd.DataFrame, spells: pd.DataFrame, found: _Found) -> None:
    """577 and 578: a row may agree with any one period of care; children without one are 1012's."""
    started = rows[rows["missing_from"].notna()]
    pairs = started[["child_id", "missing_from", "returned_at", "_at"]].merge(care_periods(spells), on="child_id")
    start, end = pairs["missing_from"], pairs["returned_at"]
    is_open = end.isna()
    outside = (
        (is_open & pairs["ended"].notna())
        | (is_open & (start < pairs["began"]))
        | (end > pairs["ended"])
        | (end < pairs["began"])
    )
    found.add("dfe_outside_care", _in_all(rows, pairs, outside), field="returned_at")
    # "After it ends" is after that day: the validator's own comment says on or after, its code and wording after.
    # A start on the very day is told by 581, whose placements end when the next may begin.
    early_or_late = (start < pairs["began"]) | (start > pairs["ended"])
    found.add("dfe_start_outside_care", _in_all(rows, pairs, early_or_late), field="missing_from")


def _in_all(rows: pd.DataFrame, pairs: pd.DataFrame, is_wrong: pd.Series) -> pd.Series:
    """Say of each row whether it has pairs and is wrong in every one of them."""
    worst = is_wrong.groupby(pairs["_at"]).min()
    return pd.Series(worst.reindex(rows["_at"], fill_value=False).to_numpy(dtype=bool), index=rows.index)


def _check_placements(rows: pd.DataFrame, spells: pd.DataFrame, found: _Found) -> None:
    """575, 581 and 1012: which placement the absence began in."""
    has_placement = rows["child_id"].isin(set(spells["child_id"]))
    found.add("dfe_no_placement", ~has_placement, field="child_id")
    dated = spells.loc[spells["started_on"].notna(), ["child_id", "started_on", "ended_on"]]
    pairs = rows[["child_id", "missing_from", "returned_at", "_at"]].merge(dated, on="child_id")
    start = pairs["missing_from"]
    # A placement ends on the day on which the next begins, so that day is the next one's; the validator counts it to
    # both, and would tell 575 of a child who went missing from the new placement. One that lasted a day holds it.
    holds = (start >= pairs["started_on"]) & (
        pairs["ended_on"].isna() | (start < pairs["ended_on"]) | (start == pairs["started_on"])
    )
    outside = _in_all(rows, pairs, ~holds) & rows["missing_from"].notna()
    found.add("dfe_start_outside_placements", outside, field="missing_from")
    # Of several placements that hold the start, the latest that began; of those, one that has ended.
    held = pairs[holds].sort_values(["_at", "started_on", "ended_on"], kind="stable", na_position="first")
    ended = held.drop_duplicates("_at", keep="last").set_index("_at")["ended_on"].reindex(rows["_at"])
    is_over = pd.Series(ended.notna().to_numpy(), index=rows.index)
    found.add("dfe_open_after_placement", is_over & rows["returned_at"].isna(), field="returned_at")


def _check_left_at_18(rows: pd.DataFrame, spells: pd.DataFrame, found: _Found) -> None:
    """580: a child still missing on the 18th birthday leaves care for that reason; the breach is the placement's."""
    last_day = rows.assign(ended_on=_birthday(rows["birth"], _ADULT))
    last_day = last_day[last_day["ended_on"].notna() & (last_day["ended_on"] == last_day["returned_at"])]
    keys = pd.MultiIndex.from_frame(last_day[["child_id", "ended_on"]])
    is_last = pd.Series(pd.MultiIndex.from_frame(spells[["child_id", "ended_on"]]).isin(keys), index=spells.index)
    reason = spells["reason_ended"].astype(object).where(spells["reason_ended"].notna(), "").astype(str)
    found.add(
        "dfe_left_at_18", is_last & (reason.str.strip().str.upper() != "E8"), field="reason_ended", table="placements"
    )


def _birthday(births: pd.Series, years: int) -> pd.Series:
    """Return the birthday so many years on; of 29 February it is 1 March, as where ages are counted, not the 28th."""
    on = births + pd.DateOffset(years=years)
    is_moved = births.notna() & (on.dt.day != births.dt.day)
    return on.where(~is_moved, on + pd.Timedelta(days=1))


def _check_header(rows: pd.DataFrame, header: pd.DataFrame, found: _Found) -> None:
    known = rows["child_id"].isin(set(header["child_id"]))
    found.add("dfe_not_in_header", ~known, field="child_id")
    told = header.loc[header["birth"].notna(), ["child_id", "birth"]].rename(columns={"birth": "told"})
    pairs = rows.loc[rows["birth"].notna(), ["child_id", "birth", "_at"]].merge(told, on="child_id")
    found.add("dfe_header_birth", _in_all(rows, pairs, pairs["birth"] != pairs["told"]), field="birth_month")


def _check_last_year(rows: pd.DataFrame, before: pd.DataFrame, found: _Found) -> int:
    """576: what was open at the end of last year must be this year's first row; return how many children have none.

    The validator begins with this year's rows, so it passes over a child who has none at all. The wording does not.
    """
    still = before.loc[before["returned_at"].isna() & before["missing_from"].notna(), ["child_id", "missing_from"]]
    first = rows.sort_values("missing_from", kind="stable", na_position="last").drop_duplicates("child_id")
    pairs = first[["child_id", "missing_from", "_at"]].merge(still, on="child_id", suffixes=("", "_last"))
    differs = pairs.loc[pairs["missing_from"] != pairs["missing_from_last"], "_at"]
    found.add("dfe_open_last_year", rows["_at"].isin(set(differs)), field="missing_from")
    return int(still.loc[~still["child_id"].isin(set(rows["child_id"])), "child_id"].nunique())
