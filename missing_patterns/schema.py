"""The tables: what one row is, which columns it has, what they mean, and the one gate that every table passes.

Times are time-zone-aware Europe/London at microsecond resolution, so that subtraction gives true elapsed time
(a night over the October change is an hour longer). Dates are naive midnights. Absent data are ``pd.NA``,
``NaT`` or ``None``, never a made-up value; the word for it is *not recorded*, because *missing* is what a child is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean, positions

LONDON = "Europe/London"
TIMESTAMP = f"datetime64[us, {LONDON}]"
DATE = "datetime64[us]"
TEXT = pd.StringDtype("python")

Kind = Literal["id", "code", "text", "timestamp", "date", "flag", "count", "number", "list"]

CATEGORIES = ("missing", "away", "no_apparent_risk")
PRECISIONS = ("minute", "day")
RISK_LEVELS = ("no_apparent_risk", "low", "medium", "high")
SETTINGS_MISSING_FROM = ("home", "care", "school", "other")
PLACEMENT_TYPES = (
    "foster",
    "kinship",
    "childrens_home",
    "supported_accommodation",
    "secure",
    "residential_school",
    "health",
    "custody",
    "parents",
    "adoption",
    "temporary",
    "other",
)
RETURNED_BY = ("self", "police", "carer", "family", "other")
SEXES = ("female", "male", "other", "not_stated")
CARE_STATUSES = ("looked_after", "child_protection", "child_in_need", "early_help", "none")
EXIT_REASONS = ("turned_18", "left_care", "moved_area", "died", "other")
INTERVIEWER_ROLES = (
    "independent_service",
    "local_authority_team",
    "social_worker",
    "youth_worker",
    "school_staff",
    "other",
)
MODES = ("face_to_face", "phone", "video", "other")
ANSWERS = ("no", "suspected", "yes")

#: The ladder of an interview, from nothing due to done. Two "not" rungs are outcomes of the process, not failures.
STATUSES = (
    "not_due",
    "not_required",
    "not_offered_missing_again",
    "not_offered_no_contact",
    "not_offered_other",
    "offered_pending",
    "declined",
    "accepted_not_held",
    "completed",
    "completed_partial",
    "covered_by_other",
    "unknown",
)
NOT_DUE = ("not_due", "not_required")
OFFERED = (
    "offered_pending",
    "declined",
    "accepted_not_held",
    "completed",
    "completed_partial",
    "covered_by_other",
)
HELD = ("completed", "completed_partial", "covered_by_other")

TRIGGER_STATUSES = ("present", "suspected", "denied", "not_recorded")
VOICES = ("child", "carer", "worker", "police", "not_recorded")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, kind, meaning, unit and, for codes, the values allowed."""

    name: str
    kind: Kind
    meaning: str
    allowed: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, what one row of it is, its columns, and the column that must be unique, if any."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: str = ""

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [c.name for c in self.columns]

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be there."""
        return [c.name for c in self.columns if c.required]


INCIDENTS = Table(
    "incidents",
    "one record of a child missing, as a source wrote it",
    (
        Column("incident_id", "id", "the source's reference, or one made from file and line"),
        Column("child_id", "id", "the child, as the council writes it", required=True),
        Column("missing_from", "timestamp", "start: last seen or due back", required=True),
        Column("returned_at", "timestamp", "end: found or returned; empty = still missing"),
        Column("category", "code", "missing, away (whereabouts known), or no apparent risk", CATEGORIES),
        Column("precision", "code", "whether both stamps hold a time or only a date", PRECISIONS),
        Column("reported_at", "timestamp", "reported to the police or the council"),
        Column("source", "text", "profile that the record was read by"),
        Column("police_ref", "id", "police reference"),
        Column("risk_level", "code", "police grade at the time", RISK_LEVELS),
        Column("missing_from_setting", "code", "where the child went missing from", SETTINGS_MISSING_FROM),
        Column("placement_type", "code", "kind of placement at the start", PLACEMENT_TYPES),
        Column("home_id", "id", "children's home or carer"),
        Column("in_area", "flag", "placed inside the council's own area"),
        Column("placing_authority", "text", "council responsible for the child"),
        Column("returned_by", "code", "who brought the child back", RETURNED_BY),
        Column("found_place", "text", "kind of place where the child was found"),
        Column("found_area", "text", "ward or district where the child was found"),
    ),
    key="incident_id",
)

INTERVIEWS = Table(
    "interviews",
    "one return-interview process; one interview may cover several incidents",
    (
        Column("interview_id", "id", "the source's reference, or one made from the incident's"),
        Column("child_id", "id", "the child", required=True),
        Column("incident_ids", "list", "incidents that it covers, as a tuple of incident_id"),
        Column("status", "code", "rung of the ladder", STATUSES),
        Column("offered_at", "timestamp", "first offered; exactly midnight = only the day is known"),
        Column("held_at", "timestamp", "held; exactly midnight = only the day is known"),
        Column("attempts", "count", "attempts to make contact"),
        Column("declined_reason", "text", "coded reason given for declining"),
        Column("interviewer_role", "code", "who interviewed", INTERVIEWER_ROLES),
        Column("is_independent", "flag", "independent of the placement and the responsible council"),
        Column("mode", "code", "how it was held", MODES),
        Column(
            "coded_triggers",
            "list",
            "codes ticked by the worker, as a tuple; () = asked, none given; None = not recorded",
        ),
        Column("primary_trigger", "code", "the worker's main reason, if one is marked"),
        Column("narrative", "text", "the written account; never leaves the caller's machine"),
        Column("child_considers_missing", "flag", "did the child think that they were missing"),
        Column("harm", "code", "harm before or while away", ANSWERS),
        Column("actions", "list", "actions and referrals, as a tuple"),
    ),
    key="interview_id",
)

CHILDREN = Table(
    "children",
    "one child",
    (
        Column("child_id", "id", "the child", required=True),
        Column("birth_month", "date", "first day of the month of birth"),
        Column("sex", "code", "as recorded", SEXES),
        Column("ethnicity", "code", "SSDA903 ethnic code, in capitals"),
        Column("care_status", "code", "latest social-care status", CARE_STATUSES),
        Column("disability", "flag", "has a disability"),
        Column("uasc", "flag", "unaccompanied asylum-seeking child"),
        Column("observed_from", "date", "first day on which an episode would have been recorded"),
        Column("observed_until", "date", "first day on which one no longer would"),
        Column("exit_reason", "code", "why observation ended", EXIT_REASONS),
    ),
    key="child_id",
)

PLACEMENTS = Table(
    "placements",
    "one spell of a child in one placement",
    (
        Column("child_id", "id", "the child", required=True),
        Column("started_on", "date", "first day", required=True),
        Column("ended_on", "date", "day of leaving; empty = still there"),
        Column("placement_type", "code", "kind of placement", PLACEMENT_TYPES),
        Column("provider", "text", "provider code of the source"),
        Column("home_id", "id", "children's home or carer"),
        Column("legal_status", "code", "SSDA903 legal status"),
        Column("in_area", "flag", "inside the council's own area"),
        Column("distance_miles", "number", "miles from the child's home address"),
    ),
)

EPISODES = Table(
    "episodes",
    "incidents of one child joined where they overlap or touch",
    (
        Column("episode_id", "id", "made from the first incident"),
        Column("child_id", "id", "the child", required=True),
        Column("episode_no", "count", "1 for the child's first episode in the data"),
        Column("missing_from", "timestamp", "start of the first incident", required=True),
        Column("returned_at", "timestamp", "end of the last incident; empty = still missing"),
        Column("duration_hours", "number", "true elapsed hours; whole days apart when precision is day"),
        Column("precision", "code", "day if no time of day is known at either end", PRECISIONS),
        Column("category", "code", "the most serious category among the incidents", CATEGORIES),
        Column("incident_ids", "list", "incidents joined, as a tuple of incident_id"),
        Column("n_incidents", "count", "how many"),
        Column("gap_days", "number", "days from the previous return to this start; empty for a first episode"),
        Column("is_open", "flag", "still missing when observation ended"),
        Column("missing_from_setting", "code", "at the start", SETTINGS_MISSING_FROM),
        Column("placement_type", "code", "at the start", PLACEMENT_TYPES),
        Column("home_id", "id", "at the start"),
        Column("in_area", "flag", "at the start"),
        Column("risk_level", "code", "at the start", RISK_LEVELS),
        Column("returned_by", "code", "of the incident that ended it", RETURNED_BY),
    ),
    key="episode_id",
)

TRIGGERS = Table(
    "triggers",
    "one code that one interview names, from one origin",
    (
        Column("interview_id", "id", "the interview", required=True),
        Column("child_id", "id", "the child", required=True),
        Column("code", "code", "trigger code of the codebook", required=True),
        Column("status", "code", "what the interview says of it", TRIGGER_STATUSES),
        Column("origin", "code", "ticked in a field, or read from the narrative", ("coded", "narrative")),
        Column("voice", "code", "whose words", VOICES),
        Column("span_start", "count", "first character in the narrative"),
        Column("span_end", "count", "one past the last character"),
        Column("known_at", "timestamp", "when it could first be known: when the interview was held"),
    ),
)

LINKS = Table(
    "links",
    "one pair of an episode and an interview that covers it",
    (
        Column("episode_id", "id", "the episode", required=True),
        Column("interview_id", "id", "the interview", required=True),
        Column("linked_by", "code", "by the incident's reference, or by child and time", ("incident", "time")),
    ),
)

INTERVALS = Table(
    "intervals",
    "one spell of one child at risk of going missing, on (start, stop]",
    (
        Column("child_id", "id", "the child", required=True),
        Column("start", "number", "days since the origin, not yet at risk", required=True),
        Column("stop", "number", "days since the origin", required=True),
        Column("event", "count", "1 if an episode began at stop, else 0", required=True),
        Column("episode_no", "count", "number of the episode that the spell leads up to"),
    ),
)

PROBLEMS = Table(
    "problems",
    "one thing that was found wrong, repaired or doubtful in an input",
    (
        Column("file", "text", "name of the file"),
        Column("sheet", "text", "sheet of a workbook"),
        Column("line", "count", "physical line or row, counted from 1"),
        Column("column", "text", "header in the source"),
        Column("cell", "text", "address such as F17, for a workbook"),
        Column("rule", "code", "name of the rule"),
        Column("severity", "code", "how bad", ("error", "warning", "note")),
        Column("outcome", "code", "what was done", ("repaired", "quarantined", "accepted", "refused")),
        Column("message", "text", "in words, without the value"),
    ),
)

QUARANTINE = Table(
    "quarantine",
    "one source row that was set aside; the row as read follows in further columns, local only",
    (
        Column("file", "text", "name of the file"),
        Column("sheet", "text", "sheet of a workbook"),
        Column("line", "count", "physical line or row, counted from 1"),
        Column("rule", "code", "name of the rule"),
    ),
)

ACCOUNTING = Table(
    "accounting",
    "one table read from one sheet of one file; n_rows = n_accepted + n_quarantined + n_not_data",
    (
        Column("file", "text", "name of the file"),
        Column("sheet", "text", "sheet of a workbook"),
        Column("table", "text", "what the rows became"),
        Column("n_rows", "count", "physical rows read"),
        Column("n_accepted", "count", "rows that became rows of a table"),
        Column("n_quarantined", "count", "rows set aside, each with its reason"),
        Column("n_not_data", "count", "titles, headers, totals and blank rows"),
    ),
)

TABLES = {
    t.name: t
    for t in (
        INCIDENTS,
        INTERVIEWS,
        CHILDREN,
        PLACEMENTS,
        EPISODES,
        TRIGGERS,
        LINKS,
        INTERVALS,
        PROBLEMS,
        QUARANTINE,
        ACCOUNTING,
    )
}


@dataclass(frozen=True, slots=True, repr=False)
class Records:
    """The canonical tables of one council, with what was found wrong on the way in.

    Parameters
    ----------
    incidents, interviews, children, placements : pd.DataFrame
        The tables of this module.
    problems, quarantine, accounting : pd.DataFrame
        What ingest repaired or doubted, the rows that it set aside, and how every row was used.
        Empty for records that were not read from files.

    Raises
    ------
    TableRefused
        If a table lacks a required column or holds a value that its column does not allow.

    Examples
    --------
    >>> import pandas as pd
    >>> Records(incidents=pd.DataFrame({"child_id": ["A"], "missing_from": ["2026-01-05 21:00"]}))
    Records: 1 incident, 0 interviews, 1 child, 0 placements; 0 problems, 0 rows in quarantine
    """

    incidents: pd.DataFrame
    interviews: pd.DataFrame = field(default_factory=lambda: empty(INTERVIEWS))
    children: pd.DataFrame = field(default_factory=lambda: empty(CHILDREN))
    placements: pd.DataFrame = field(default_factory=lambda: empty(PLACEMENTS))
    problems: pd.DataFrame = field(default_factory=lambda: empty(PROBLEMS))
    quarantine: pd.DataFrame = field(default_factory=lambda: empty(QUARANTINE))
    accounting: pd.DataFrame = field(default_factory=lambda: empty(ACCOUNTING))

    def __post_init__(self) -> None:
        for table in (INCIDENTS, INTERVIEWS, CHILDREN, PLACEMENTS):
            object.__setattr__(self, table.name, conform(getattr(self, table.name), table))

    def __repr__(self) -> str:
        n_children = self.incidents["child_id"].nunique()
        return (
            f"Records: {_plural(len(self.incidents), 'incident')}, {_plural(len(self.interviews), 'interview')}, "
            f"{_plural(n_children, 'child', 'children')}, {_plural(len(self.placements), 'placement')}; "
            f"{_plural(len(self.problems), 'problem')}, {_plural(len(self.quarantine), 'row')} in quarantine"
        )


def _plural(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def empty(table: Table) -> pd.DataFrame:
    """Return the table with its columns and no rows.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> empty(LINKS).columns.tolist()
    ['episode_id', 'interview_id', 'linked_by']
    """
    return pd.DataFrame({c.name: pd.Series([], dtype=_DTYPES[c.kind]) for c in table.columns})


def conform(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Pass a frame through the gate: check it and give it the table's columns, order and types.

    Columns that the table does not name are kept behind the others (covariates travel with their rows); optional
    columns that are absent are added as not recorded. Row order is kept, the index becomes 0..n-1, and the frame
    handed in is not modified. Naive timestamps are read as Europe/London: an hour that happens twice in October is
    taken as the first, one that does not exist in March is moved forward.

    Parameters
    ----------
    frame : pd.DataFrame
        Any frame that has at least the required columns. Text stamps must be ISO 8601, since which number of
        01/02/2026 is the month cannot be known here; files are read by ``read_records``.
    table : Table
        One of the tables of this module.

    Returns
    -------
    pd.DataFrame
        A new frame.

    Raises
    ------
    TableRefused
        Naming every column that is absent, not convertible or holds codes that are not allowed, at once.

    Examples
    --------
    >>> import pandas as pd
    >>> conform(pd.DataFrame({"child": ["A"], "missing_from": ["2026-01-05 21:00"]}), INCIDENTS)
    Traceback (most recent call last):
    missing_patterns.errors.TableRefused: The table 'incidents' cannot be used:
    - column 'child_id' is absent. Did you mean 'child'?
    """
    if not isinstance(frame, pd.DataFrame):
        raise TableRefused.of_problems(table.name, [f"expected a DataFrame, got {type(frame).__name__}"])
    problems: list[str] = []
    done: dict[str, pd.Series] = {}
    for column in table.columns:
        if column.name not in frame.columns:
            if column.required:
                hint = did_you_mean(column.name, [str(c) for c in frame.columns])
                problems.append(f"column '{column.name}' is absent.{hint}")
            done[column.name] = pd.Series([_BLANK[column.kind]] * len(frame), dtype=_DTYPES[column.kind])
            continue
        given = frame[column.name].reset_index(drop=True)
        try:
            series = _CONVERT[column.kind](given)
        except (ValueError, TypeError, OverflowError, AttributeError):
            problems.append(f"column '{column.name}' holds values that are not {_IN_WORDS[column.kind]}")
            continue
        problems += _check_column(series, column)
        done[column.name] = series
    if not problems and table.key and (doubled := done[table.key].duplicated() & done[table.key].notna()).any():
        problems.append(f"column '{table.key}' holds the same key twice, at {_where(doubled)}")
    if problems:
        raise TableRefused.of_problems(table.name, problems)
    extra = frame.drop(columns=[c for c in table.names if c in frame.columns]).reset_index(drop=True)
    result = pd.DataFrame(done, index=pd.RangeIndex(len(frame)))
    return pd.concat([result, extra], axis=1) if len(extra.columns) else result


def require(frame: pd.DataFrame, columns: list[str], table: str) -> None:
    """Refuse a frame that lacks any of the columns named.

    Raises
    ------
    TableRefused
        Naming every column that is absent, with the nearest name that is there.

    Examples
    --------
    >>> import pandas as pd
    >>> require(pd.DataFrame({"start": [0.0]}), ["start"], "intervals")
    """
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        there = [str(c) for c in frame.columns]
        raise TableRefused.of_problems(table, [f"column '{c}' is absent.{did_you_mean(c, there)}" for c in absent])


def moment(value: str | dt.date | dt.datetime | pd.Timestamp) -> pd.Timestamp:
    """Return the moment at which observation ends, in Europe/London.

    A bare date, as text ``"2026-10-31"`` or ``datetime.date``, is observed to its end: the moment is the midnight
    after it. Anything with a time of day (including a ``pd.Timestamp``) is taken as it stands.

    Raises
    ------
    ArgumentRefused
        If it is not an ISO date or time.

    Examples
    --------
    >>> moment("2026-10-31")
    Timestamp('2026-11-01 00:00:00+0000', tz='Europe/London')
    >>> moment("2026-10-31 12:00")
    Timestamp('2026-10-31 12:00:00+0000', tz='Europe/London')
    """
    bare = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if isinstance(value, str):
        bare = len(value.strip()) == 10
        try:
            stamp = pd.Timestamp(dt.datetime.fromisoformat(value.strip()))
        except ValueError:
            raise ArgumentRefused("observed_until must be an ISO date or time, such as '2026-10-31'.") from None
    elif isinstance(value, dt.date):
        stamp = pd.Timestamp(value)
    else:
        raise ArgumentRefused("observed_until must be an ISO date or time, such as '2026-10-31'.")
    if stamp is pd.NaT:
        raise ArgumentRefused("observed_until must be an ISO date or time, such as '2026-10-31'.")
    if bare:
        stamp += pd.Timedelta(days=1)
    if stamp.tzinfo is None:
        return stamp.tz_localize(LONDON, ambiguous=True, nonexistent="shift_forward")
    return stamp.tz_convert(LONDON)


def calendar_month(month: str) -> pd.Period:
    """Return the month that ``yyyy-mm`` names.

    Raises
    ------
    ArgumentRefused
        If it is written in any other way.

    Examples
    --------
    >>> calendar_month("2026-10")
    Period('2026-10', 'M')
    """
    try:
        period = pd.Period(dt.date.fromisoformat(f"{month}-01"), freq="M")
    except ValueError:
        raise ArgumentRefused("a month must be written as yyyy-mm, such as 2026-10.") from None
    return period


def _where(mask: pd.Series) -> str:
    return positions([int(i) for i in mask.to_numpy().nonzero()[0]])


def _check_column(series: pd.Series, column: Column) -> list[str]:
    problems = []
    if column.required and (blank := series.isna()).any():
        problems.append(f"column '{column.name}' is blank at {_where(blank)}")
    if column.allowed:
        strange = series.notna() & ~series.isin(column.allowed)
        if strange.any():
            allowed = ", ".join(column.allowed)
            problems.append(
                f"column '{column.name}' holds codes that are not allowed at {_where(strange)}; allowed: {allowed}"
            )
    return problems


def _to_text(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.StringDtype):
        return series.astype(TEXT)
    if pd.api.types.is_float_dtype(series.dtype) and series.notna().any():
        raise TypeError("an id that became a float has lost digits")
    return pd.Series([None if pd.isna(v) else str(v) for v in series], dtype=TEXT)


def _to_timestamp(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return series.dt.tz_convert(LONDON).astype(TIMESTAMP)
    if pd.api.types.is_numeric_dtype(series.dtype) and series.notna().any():
        raise TypeError("a number is not a time")
    if not pd.api.types.is_datetime64_dtype(series.dtype):
        series = _parse_iso(series)
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            return series.dt.tz_convert(LONDON).astype(TIMESTAMP)
    first = pd.Series(True, index=series.index).to_numpy()
    return series.astype(DATE).dt.tz_localize(LONDON, ambiguous=first, nonexistent="shift_forward").astype(TIMESTAMP)


def _parse_iso(series: pd.Series) -> pd.Series:
    """Parse ISO text or datetime objects, with or without zone; a mixture of the two is read in London time."""
    stamps = [pd.NaT if pd.isna(v) else pd.Timestamp(_iso(v)) for v in series]
    aware = [s for s in stamps if s is not pd.NaT and s.tzinfo is not None]
    if not aware:
        return pd.Series(stamps, dtype=DATE)
    zoned = [
        s
        if s is pd.NaT
        else (s.tz_convert(LONDON) if s.tzinfo else s.tz_localize(LONDON, ambiguous=True, nonexistent="shift_forward"))
        for s in stamps
    ]
    return pd.Series(zoned, dtype=TIMESTAMP)


def _iso(value: object) -> dt.date:
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value.strip())
    raise TypeError("not a time")


def _to_date(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert(LONDON).dt.tz_localize(None)
    elif not pd.api.types.is_datetime64_dtype(series.dtype):
        if pd.api.types.is_numeric_dtype(series.dtype) and series.notna().any():
            raise TypeError("a number is not a date")
        series = _parse_iso(series)
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            series = series.dt.tz_localize(None)
    return series.astype(DATE).dt.normalize()


def _to_flag(series: pd.Series) -> pd.Series:
    return series.astype("boolean")


def _to_count(series: pd.Series) -> pd.Series:
    return series.astype("Int64")


def _to_number(series: pd.Series) -> pd.Series:
    return series.astype("Float64").astype("float64")


def _to_list(series: pd.Series) -> pd.Series:
    """Tuples of text; a string is split at semicolons, as this project writes lists to CSV."""
    items: list[tuple[str, ...] | None] = []
    for value in series:
        if value is None or value is pd.NA or isinstance(value, float):
            items.append(None)
        elif isinstance(value, str):
            items.append(tuple(part.strip() for part in value.split(";") if part.strip()))
        else:
            items.append(tuple(str(part) for part in value))
    return pd.Series(items, dtype=object)


_DTYPES: dict[Kind, Any] = {
    "id": TEXT,
    "code": TEXT,
    "text": TEXT,
    "timestamp": TIMESTAMP,
    "date": DATE,
    "flag": "boolean",
    "count": "Int64",
    "number": "float64",
    "list": object,
}
_BLANK: dict[Kind, Any] = {
    "id": None,
    "code": None,
    "text": None,
    "timestamp": pd.NaT,
    "date": pd.NaT,
    "flag": None,
    "count": None,
    "number": float("nan"),
    "list": None,
}
_CONVERT: dict[Kind, Callable[[pd.Series], pd.Series]] = {
    "id": _to_text,
    "code": _to_text,
    "text": _to_text,
    "timestamp": _to_timestamp,
    "date": _to_date,
    "flag": _to_flag,
    "count": _to_count,
    "number": _to_number,
    "list": _to_list,
}
_IN_WORDS: dict[Kind, str] = {
    "id": "ids as text (numbers with a fraction have lost digits)",
    "code": "codes",
    "text": "text",
    "timestamp": "times (ISO 8601 text or datetimes)",
    "date": "dates (ISO 8601 text or datetimes)",
    "flag": "true or false",
    "count": "whole numbers",
    "number": "numbers",
    "list": "lists of text",
}
