"""A large made-up tracker whose truth is known, with wordings and defects planted into known cells."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from missing_patterns.codebook import read_codebook

HEADER = [
    *("Ref", "Child ID", "DOB", "Gender", "Date & time missing", "Date & time returned", "Missing or away"),
    *("In borough?", "RHI status", "RHI date", "Attempts", "Triggers"),
]
REF, CHILD, DOB, SEX, START, END, CATEGORY, IN_AREA, STATUS, HELD, ATTEMPTS, TRIGGERS = range(len(HEADER))
_LONDON = ZoneInfo("Europe/London")


@dataclass(slots=True)
class Truth:
    """One row as it happened."""

    ref: str
    child: str
    born: dt.date
    sex: str
    start: dt.datetime
    end: dt.datetime
    category: str
    in_area: bool
    status: str
    held: dt.datetime
    attempts: int
    triggers: tuple[str, ...]


def make_truth(n: int, rng: random.Random) -> list[Truth]:
    """Draw rows of one child each, over two years, through both clock changes."""
    codes = list(read_codebook().codes)
    first = dt.datetime(2022, 1, 3)  # noqa: DTZ001
    made = []
    for i in range(n):
        start = _off_the_edges(first + dt.timedelta(minutes=rng.randrange(730 * 1440)))
        away = dt.timedelta(minutes=rng.choice((25, 95, 340, 700, 1500, 3000)) + rng.randrange(20))
        end = _off_the_edges(start + away)
        held = (end + dt.timedelta(days=1)).replace(hour=rng.randrange(9, 18), minute=rng.randrange(1, 59))
        made.append(
            Truth(
                f"R{100_000 + i}",
                f"{86_000_000 + i}",
                dt.date(2008 + rng.randrange(5), rng.randrange(1, 13), rng.randrange(1, 29)),
                rng.choice(("female", "male")),
                start,
                end,
                rng.choice(("missing", "missing", "away", "no_apparent_risk")),
                rng.random() < 0.6,
                rng.choice(("completed", "completed", "completed_partial")),
                held,
                rng.randrange(1, 5),
                tuple(rng.sample(codes, rng.randrange(1, 4))),
            )
        )
    return made


def _off_the_edges(at: dt.datetime) -> dt.datetime:
    """Move a time on from midnight and from the hours that clocks skip or repeat: those have tests of their own."""
    is_change = at.month in (3, 10) and at.day > 24 and at.weekday() == 6
    on = dt.timedelta(hours=3) if is_change and at.hour in (0, 1, 2) else dt.timedelta(0)
    return at + on + dt.timedelta(minutes=at.hour == at.minute == 0)


# Plain wordings -------------------------------------------------------------------------------------------------------
LABELS = {
    "missing": "Missing",
    "away": "Away",
    "no_apparent_risk": "No apparent risk",
    "female": "Female",
    "male": "Male",
    "completed": "Completed",
    "completed_partial": "Completed - partial",
}


@functools.cache
def label_of(code: str) -> str:
    return str(read_codebook().label(code))


def plain_row(truth: Truth) -> list[str]:
    """Word a row as its source usually does."""
    return [
        truth.ref,
        truth.child,
        f"{truth.born:%d/%m/%Y}",
        LABELS[truth.sex],
        f"{truth.start:%d/%m/%Y %H:%M}",
        f"{truth.end:%d/%m/%Y %H:%M}",
        LABELS[truth.category],
        "Yes" if truth.in_area else "No",
        LABELS[truth.status],
        f"{truth.held:%d/%m/%Y %H:%M}",
        str(truth.attempts),
        "; ".join(label_of(c) for c in truth.triggers),
    ]


def text_of(rows: list[list[str]]) -> str:
    return "".join(",".join(_quoted(c) for c in row) + "\n" for row in [HEADER, *rows])


def lines_of(rows: list[list[str]]) -> list[int]:
    """Return the physical line on which each row begins: a cell may hold several."""
    heights = [1 + sum(c.count("\n") for c in row) for row in rows]
    return [2 + n for n in itertools.accumulate(heights[:-1], initial=0)]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\n') else cell


# Other wordings that can be repaired ----------------------------------------------------------------------------------
def _ordinal(n: int) -> str:
    return "th" if n in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")


def _serial(at: dt.datetime) -> str:
    since = at - dt.datetime(1899, 12, 30)  # noqa: DTZ001
    return f"{since.days + since.seconds / 86_400:.8f}"


def _utc(at: dt.datetime) -> str:
    return f"{at.replace(tzinfo=_LONDON).astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


STAMPS: tuple[Callable[[dt.datetime], str], ...] = (
    *(lambda at, p=p: f"{at:{p}}" for p in (
        "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d %b %Y %H:%M", "%d-%b-%Y %I:%M%p",
        "%d.%m.%Y %H:%M", "\u200b%d/%m/%Y %H:%M",
        "%d/%m/%Y %H.%M", "%d/%m/%Y %H%M", "%A %d %B %Y at %H:%M", "%d/%m/%Y %I:%M %p", "%Y/%m/%d %H:%M",
        "%d-%m-%Y %H:%M", "%d/%m/%y %H:%M", "%d/%m/%Y %H%Mhrs", "%B %d, %Y %H:%M", " %d/%m/%Y  %H:%M ",
        "%d/%m/%Y\u00a0%H:%M", "%d/%m/%Y %H:%M:%S.0",
    )),
    lambda at: f"{at.day}/{at.month}/{at:%Y %H:%M}",
    lambda at: f"{at.day}{_ordinal(at.day)} {at:%B %Y %H:%M}",
    _serial, _utc,
)  # fmt: skip
DAYS: tuple[Callable[[dt.date], str], ...] = (
    *(lambda at, p=p: f"{at:{p}}" for p in ("%Y-%m-%d", "%d-%m-%Y", "%d %b %Y", "%d.%m.%Y", "%d/%m/%y", "%d %B %Y")),
    lambda at: f"{at.day}/{at.month}/{at:%Y}",
    lambda at: str((at - dt.date(1899, 12, 30)).days),
)
IDS: tuple[Callable[[str], str], ...] = (
    lambda t: f" {t} ",
    lambda t: f"{t}.0",
    lambda t: t[:3] + "\u200b" + t[3:],
    lambda t: t + "\u00a0",
    lambda t: "".join(chr(ord(c) + 0xFEE0) for c in t),
    lambda t: f"'{t}",
    lambda t: "\ufeff" + t,
)
WORDS = {
    True: ("yes", "Y", "TRUE", "1", "T", "✓", "x", "In borough", " Yes ", "YES"),
    False: ("no", "N", "FALSE", "0", "F", "Out of area", " No", "NO"),
    "missing": ("missing", "M", "MISSING", "Missing person", " Missing "),
    "away": ("A", "away", "Absent", "Unauthorised absence", "Away from placement"),
    "no_apparent_risk": ("NAR", "no apparent risk", "Missing - no apparent risk", "Missing – no apparent risk"),
    "completed": ("completed", "COMPLETED", "Complete", "Held", "RHI completed"),
    "completed_partial": ("Completed – partial", "Partially completed", "Partial", "completed (partial)"),
    "female": ("F", "female", "Girl", "2"),
    "male": ("M", "male", "Boy", "1"),
}


def wordings() -> dict[str, list[str]]:
    """Every wording of each trigger."""
    known: dict[str, list[str]] = {}
    for wording, code in read_codebook().wordings.items():
        known.setdefault(code, []).append(wording)
    return known


_SAFE = re.compile(r"[A-Za-z' -]+")
_JOINS = ("; ", ";", "\n", " | ", "|")
_LOOSE = (", ", ",", " / ", " & ")


def _said(codes: tuple[str, ...], known: dict[str, list[str]], rng: random.Random) -> str:
    """Word triggers by any of their wordings and in any case, with a separator that none of them holds."""
    words = [rng.choice(known[c]) for c in codes]
    loose = all(_SAFE.fullmatch(w) and " and " not in w for w in words)
    words = [rng.choice((w, w.upper(), w.capitalize(), f" {w}", w.replace("-", "–"))) for w in words]
    return rng.choice(_JOINS + _LOOSE if loose else _JOINS).join(words)


def reworded(truth: Truth, known: dict[str, list[str]], rng: random.Random) -> list[str]:
    """Word every cell of a row but its reference and its number of attempts in another way."""
    row = plain_row(truth)
    row[CHILD] = rng.choice(IDS)(truth.child)
    row[DOB] = rng.choice(DAYS)(truth.born)
    row[SEX] = rng.choice(WORDS[truth.sex])
    row[START], row[END], row[HELD] = (rng.choice(STAMPS)(at) for at in (truth.start, truth.end, truth.held))
    row[CATEGORY] = rng.choice(WORDS[truth.category])
    row[IN_AREA] = rng.choice(WORDS[truth.in_area])
    row[STATUS] = rng.choice(WORDS[truth.status])
    row[TRIGGERS] = _said(truth.triggers, known, rng)
    return row


#: Cells that ``reworded`` words otherwise.
REWORDED = (CHILD, DOB, SEX, START, END, CATEGORY, IN_AREA, STATUS, HELD, TRIGGERS)


# Defects that cannot be repaired --------------------------------------------------------------------------------------
@dataclass(slots=True)
class Planted:
    """Rows with defects in known places: per row, the rule that must be told there, or "" for a clean row."""

    rows: list[list[str]] = field(default_factory=list)
    due: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


def put(at: int, value: str) -> Callable[[Truth, list[str]], list[list[str]]]:
    return lambda _, row: [[*row[:at], value, *row[at + 1 :]]]


def worded(at: int, value: Callable[[Truth], str]) -> Callable[[Truth, list[str]], list[list[str]]]:
    return lambda truth, row: put(at, value(truth))(truth, row)


def beside(change: Callable[[Truth], dict[int, str]]) -> Callable[[Truth, list[str]], list[list[str]]]:
    """Add a second row like the first but for some cells."""
    return lambda truth, row: [row, [change(truth).get(i, c) for i, c in enumerate(row)]]


def _open_then_again(truth: Truth, row: list[str]) -> list[list[str]]:
    later = plain_row(truth)
    by = dt.timedelta(days=9)
    later[REF] += "B"
    later[START], later[END], later[HELD] = (f"{t + by:%d/%m/%Y %H:%M}" for t in (truth.start, truth.end, truth.held))
    return [[*row[:END], "", *row[END + 1 :]], later]


def _month_first(truth: Truth) -> str:
    return f"{truth.start.replace(day=13 + truth.start.day % 15):%m/%d/%Y %H:%M}"


def _before(truth: Truth) -> str:
    return f"{truth.start - dt.timedelta(hours=5):%d/%m/%Y %H:%M}"


Kind = tuple[str, str, Callable[[Truth, list[str]], list[list[str]]]]
#: Name, the rule due at the row (at both rows where it says so), and how it is planted. The second of two rows is due
#: the rule after the slash.
KINDS: tuple[Kind, ...] = (
    ("start that is no date", "1004", put(START, "31/02/2023 10:00")),
    ("start of words", "1004", put(START, "some time in May")),
    ("start that is blank", "1004", put(START, "")),
    ("start with an impossible time", "1004", worded(START, lambda t: f"{t.start:%d/%m/%Y} 25:70")),
    ("start month first", "MP-DATE-ORDER", worded(START, _month_first)),
    ("start that stands in", "MP-PLACEHOLDER-DATE", put(START, "01/01/1900 00:00")),
    ("start in a year that cannot be", "MP-YEAR-OUT-OF-RANGE", put(START, "17/01/0024 20:00")),
    ("end that is no date", "1005", put(END, "31/04/2023 10:00")),
    ("end before the start", "567", worded(END, _before)),
    ("end later than the file", "MP-FUTURE-DATE", put(END, "17/01/2031 20:00")),
    ("end with an error", "MP-ERROR-CELL", put(END, "#REF!")),
    ("end at the start", "MP-ZERO-LENGTH", worded(END, lambda t: f"{t.start:%d/%m/%Y %H:%M}")),
    ("interview before the return", "MP-INTERVIEW-BEFORE-RETURN", worded(HELD, _before)),
    ("interview that is no date", "MP-NOT-A-DATE", put(HELD, "30/02/2023")),
    ("born after the start", "586", put(DOB, "01/06/2024")),
    ("aged 18 or over", "MP-ADULT", put(DOB, "14/03/1990")),
    ("an infant", "MP-INFANT", worded(DOB, lambda t: f"{t.start - dt.timedelta(days=800):%d/%m/%Y}")),
    ("born on no date", "MP-NOT-A-DATE", put(DOB, "31/06/2010")),
    ("id that is blank", "MP-ID-BLANK", put(CHILD, "NULL")),
    ("id that became a number", "MP-ID-SCIENTIFIC", put(CHILD, "8.6E+07")),
    ("id that became a date", "MP-ID-DATE", put(CHILD, "02-Jan")),
    ("flag that is none", "MP-FLAG-UNREADABLE", put(IN_AREA, "perhaps")),
    ("number with a comma", "MP-NOT-A-NUMBER", put(ATTEMPTS, "1,5")),
    ("number that stands in", "MP-NUMBER-OUT-OF-RANGE", put(ATTEMPTS, "999")),
    ("type that no list knows", "MP-UNMAPPED-CODE", put(CATEGORY, "Gone fishing")),
    ("status that no list knows", "MP-UNMAPPED-CODE", put(STATUS, "Ask Priya")),
    ("sex that no list knows", "MP-UNMAPPED-CODE", put(SEX, "Q")),
    ("trigger that no list knows", "MP-UNMAPPED-TRIGGER", put(TRIGGERS, "Bullying; something else again")),
    ("row that is short", "MP-SHORT-ROW", lambda _, row: [row[:-2]]),
    ("row that is long", "MP-LONG-ROW", lambda _, row: [[*row, "more"]]),
    ("row that is there twice", "/MP-DUPLICATE-ROW", lambda _, row: [row, list(row)]),
    ("reference with another return", "MP-RECORD-TWICE/MP-RECORD-TWICE",
     beside(lambda t: {END: f"{t.end + dt.timedelta(minutes=7):%d/%m/%Y %H:%M}"})),
    ("id of two children", "MP-ID-TWO-CHILDREN/MP-ID-TWO-CHILDREN",
     beside(lambda t: {REF: f"{t.ref}B", DOB: f"{t.born - dt.timedelta(days=400):%d/%m/%Y}",
                       SEX: "Male" if t.sex == "female" else "Female"})),
    ("open, though gone again", "574/", _open_then_again),
    ("test record", "MP-TEST-RECORD", put(CHILD, "TEST")),
)  # fmt: skip


def plant(truths: list[Truth], share: float, rng: random.Random) -> Planted:
    """Plant each kind of defect into its share of the rows; the others are as their source words them."""
    n_each = round(share * len(truths))
    kinds: list[Kind | None] = [kind for kind in KINDS for _ in range(n_each)]
    kinds += [None] * (len(truths) - len(kinds))
    rng.shuffle(kinds)
    planted = Planted()
    for truth, kind in zip(truths, kinds, strict=True):
        row = plain_row(truth)
        rows = kind[2](truth, row) if kind else [row]
        rules = kind[1].split("/") if kind else [""]
        for made, rule in zip(rows, rules, strict=True):
            planted.rows.append(made)
            planted.due.append(rule)
            planted.kinds.append(kind[0] if kind and rule else "")
    return planted


def missed(planted: Planted, told: set[tuple[int, str]]) -> list[str]:
    """Return the kind of each defect that was not told by its rule at its line."""
    due = enumerate(zip(planted.due, planted.kinds, strict=True), 2)
    return [kind for line, (rule, kind) in due if rule and (line, rule) not in told]


def false_flags(planted: Planted, told: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the errors and warnings that were told of clean rows."""
    return [(line, rule) for line, rule in told if not planted.due[line - 2]]
