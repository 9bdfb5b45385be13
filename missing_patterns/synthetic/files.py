"""The borough as files: what a council's systems export, with the untidiness that real exports have."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from missing_patterns.codebook import fold, read_codebook
from missing_patterns.errors import ArgumentRefused
from missing_patterns.synthetic import wordings as w

if TYPE_CHECKING:
    from missing_patterns.synthetic.borough import Borough

#: Step of the random streams that the untidiness of the files draws from; the borough itself uses 0 to 6.
STREAM = 20
#: Whose files can be written beside the council's own.
PARTNERS = ("police", "annex_a")
DATE, DATE_TIME = "%d/%m/%Y", "%d/%m/%Y %H:%M"
MISSING_HEADERS = ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END")
HEADER_HEADERS = ("CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB")
EPISODES_HEADERS = (
    "CHILD",
    "DECOM",
    "RNE",
    "LS",
    "CIN",
    "PLACE",
    "PLACE_PROVIDER",
    "DEC",
    "REC",
    "REASON_PLACE_CHANGE",
    "HOME_POST",
    "PL_POST",
    "URN",
)
SSD_HEADERS = (
    "miss_table_id",
    "miss_person_id",
    "miss_missing_episode_start_date",
    "miss_missing_episode_type",
    "miss_missing_episode_end_date",
    "miss_missing_rhi_offered",
    "miss_missing_rhi_accepted",
)


def write_files(borough: Borough, folder: Path, also: Sequence[str] = ()) -> list[Path]:
    """Write the tracker, the SSDA903 files and the SSD file, and what partners hold; return their paths.

    Raises
    ------
    ArgumentRefused
        If a partner is not one of ``PARTNERS``.
    OSError
        If the folder cannot be written to.
    """
    from missing_patterns.synthetic import partners  # which is built on this module

    if isinstance(also, str) or any(name not in PARTNERS for name in also):
        raise ArgumentRefused(f"also must be a list of some of: {', '.join(PARTNERS)}.")
    folder.mkdir(parents=True, exist_ok=True)
    born = dict(zip(borough.truth.children["child_id"], borough.truth.children["born_on"], strict=True))
    rng = np.random.default_rng([borough.truth.parameters["seed"], STREAM])
    contents = {
        "return_interviews.xlsx": _tracker(borough, born, rng),
        "Missing.csv": _missing(borough, born),
        "Header.csv": _header(borough, born),
        "Episodes.csv": _episodes(borough, rng),
        "ssd_missing.csv": _ssd(borough),
    }
    if "police" in also:
        contents["police_reports.csv"] = partners.police_reports(borough, born)
    if "annex_a" in also:
        contents["annex_a.xlsx"] = partners.annex_a(borough)
    paths = []
    for name, content in contents.items():
        path = folder / name
        path.write_bytes(content)
        paths.append(path)
    return paths


def to_csv(headers: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return CSV as UTF-8 with LF line ends; None is a blank cell.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> to_csv(["CHILD", "DOB"], [["C000001", None]])
    b'CHILD,DOB\\nC000001,\\n'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return out.getvalue().encode("utf-8")


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain dicts; what is not recorded is None.

    Raises
    ------
    Nothing.
    """
    columns = {
        name: [v if isinstance(v, tuple) else None if pd.isna(v) else v for v in frame[name].astype(object)]
        for name in frame.columns
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _day(stamp: Any) -> str | None:
    return None if stamp is None else str(stamp.strftime(DATE))


# --- SSDA903: dates only, looked-after children, absences that began in a placement


def _in_carerows_of(borough: Borough) -> list[dict[str, Any]]:
    rows = rows_of(borough.records.incidents)
    began: dict[str, list[tuple[Any, Any]]] = {}
    for spell in rows_of(borough.records.placements):
        began.setdefault(spell["child_id"], []).append((spell["started_on"], spell["ended_on"]))

    def inside(row: dict[str, Any]) -> bool:
        day = row["missing_from"].tz_localize(None)
        return any(a <= day and (b is None or day < b) for a, b in began.get(row["child_id"], []))

    return [row for row in rows if inside(row)]


def _missing(borough: Borough, born: Mapping[str, Any]) -> bytes:
    rows = sorted(_in_carerows_of(borough), key=lambda r: (r["child_id"], r["missing_from"]))
    return to_csv(
        MISSING_HEADERS,
        (
            (
                r["child_id"],
                _day(born[r["child_id"]]),
                w.MISSING_OR_AWAY[r["category"]],
                _day(r["missing_from"]),
                _day(r["returned_at"]),
            )
            for r in rows
        ),
    )


def _header(borough: Borough, born: Mapping[str, Any]) -> bytes:
    in_care = set(borough.records.placements["child_id"])
    rows = [r for r in rows_of(borough.records.children) if r["child_id"] in in_care]
    return to_csv(
        HEADER_HEADERS,
        (
            (r["child_id"], w.SEX_903[r["sex"]], _day(born[r["child_id"]]), r["ethnicity"] or "NOBT", None, None, None)
            for r in rows
        ),
    )


def _episodes(borough: Borough, rng: np.random.Generator) -> bytes:
    spells = rows_of(borough.records.placements)
    children = rows_of(borough.records.children)
    eighteen = {r["child_id"] for r in children if r["exit_reason"] == "turned_18"}
    need: dict[str, str] = {}
    out = []
    before = None
    for position, spell in enumerate(spells):
        child = spell["child_id"]
        u = rng.random(4).tolist()
        need.setdefault(child, f"N{(1, 1, 1, 1, 4, 5, 6, 3)[int(u[0] * 8)]}")
        last = position + 1 == len(spells) or spells[position + 1]["child_id"] != child
        ended = spell["ended_on"]
        rec = None if ended is None else "X1" if not last else "E8" if child in eighteen else "E4A"
        out.append(
            (
                child,
                _day(spell["started_on"]),
                "P" if before == child else "S",
                spell["legal_status"],
                need[child],
                w.place_code(spell["placement_type"], u[1]),
                spell["provider"],
                _day(ended),
                rec,
                None if rec != "X1" else ("CARPL", "CREQB", "CHILD", "LAREQ", "STAND", "PLACE")[int(u[2] * 6)],
                None,
                None,
                spell["home_id"] if spell["home_id"].startswith("SC") else None,
            )
        )
        before = child
    return to_csv(EPISODES_HEADERS, out)


# --- SSD: every child, with times


def _ssd(borough: Borough) -> bytes:
    status = {ids[0]: s for ids, s in _own_status(borough)}
    rows = []
    for r in rows_of(borough.records.incidents):
        offered, accepted = w.SSD_FLAGS[status.get(r["incident_id"])]
        rows.append(
            (
                "MISS" + r["incident_id"][1:],
                r["child_id"],
                _iso(r["missing_from"]),
                w.MISSING_OR_AWAY[r["category"]],
                _iso(r["returned_at"]),
                offered,
                accepted,
            )
        )
    return to_csv(SSD_HEADERS, rows)


def _own_status(borough: Borough) -> Iterable[tuple[tuple[str, ...], str]]:
    interviews = borough.records.interviews
    return zip(interviews["incident_ids"], interviews["status"], strict=True)


def _iso(stamp: Any) -> str | None:
    return None if stamp is None else str(stamp.strftime("%Y-%m-%dT%H:%M:%S"))


# --- The tracker: a workbook that people keep by hand


def _tracker(borough: Borough, born: Mapping[str, Any], rng: np.random.Generator) -> bytes:
    interviews = {r["incident_ids"][0]: r for r in rows_of(borough.records.interviews)}
    children = {r["child_id"]: r for r in rows_of(borough.records.children)}
    incidents = rows_of(borough.records.incidents)
    out = io.BytesIO()
    book = book_of(borough, out, w.TITLE)
    last = dt.date.fromisoformat(borough.truth.parameters["ends_on"])
    sheet = book.add_worksheet(w.SHEET)
    styles = {name: book.add_format({"num_format": shape}) for name, shape in w.NUMBER_FORMATS.items()}
    bold = book.add_format({"bold": True})
    sheet.write_string(0, 0, w.TITLE, bold)
    sheet.write_string(1, 0, f"Extract to {last:%d/%m/%Y}. Made-up data: no real child is in it.")
    sheet.write_row(3, 0, w.TRACKER_HEADERS, bold)
    sheet.freeze_panes(4, 2)
    for line, incident in enumerate(incidents, 4):
        child = incident["child_id"]
        values = _tracker_row(incident, interviews.get(incident["incident_id"], {}), children[child], rng)
        values["DOB"] = _date_cell(born[child], rng, day_only=True)
        for column, header in enumerate(w.TRACKER_HEADERS):
            _write_cell(sheet, line, column, values[header], styles)
    sheet.write_string(len(incidents) + 4, 0, "Total", bold)
    sheet.write_number(len(incidents) + 4, 1, len(incidents), bold)
    book.close()
    return out.getvalue()


def book_of(borough: Borough, out: io.BytesIO, title: str) -> Any:
    """Begin a workbook with a fixed date, so that the same borough gives the same bytes.

    Raises
    ------
    Nothing.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    last = dt.datetime.fromisoformat(borough.truth.parameters["ends_on"])
    book.set_properties({"title": title, "author": "", "created": last})
    return book


def _write_cell(sheet: Any, line: int, column: int, value: Any, styles: Mapping[str, Any]) -> None:
    if isinstance(value, dt.datetime):
        style = "date" if value.time() == dt.time() else "date_time"
        sheet.write_datetime(line, column, value, styles[style])
    elif isinstance(value, int):
        sheet.write_number(line, column, value)
    elif value is not None:
        sheet.write_string(line, column, value)


def _date_cell(stamp: Any, rng: np.random.Generator, day_only: bool = False) -> dt.datetime | str | None:
    """About half are real dates, half were typed as text."""
    typed = rng.random() < 0.5
    if stamp is None:
        return None
    plain: dt.datetime = stamp.to_pydatetime().replace(tzinfo=None)
    if not typed:
        return plain
    return plain.strftime(DATE if day_only or plain.time() == dt.time() else DATE_TIME)


def _tracker_row(
    incident: dict[str, Any], interview: dict[str, Any], child: dict[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    get: Callable[[str], Any] = interview.get
    return {
        "Ref": incident["incident_id"],
        "Child ID": incident["child_id"],
        "Gender": w.SEX[child["sex"]],
        "Status with social care": w.CARE_STATUS[child["care_status"]],
        "Date & time missing": _date_cell(incident["missing_from"], rng),
        "Date & time returned": _date_cell(incident["returned_at"], rng),
        "Reported": _date_cell(incident["reported_at"], rng),
        "Missing or away": w.CATEGORY[incident["category"]],
        "Police ref": incident["police_ref"],
        "Police risk": w.RISK[incident["risk_level"]],
        "Missing from": w.SETTING[incident["missing_from_setting"]],
        "Placement type": w.PLACEMENT[incident["placement_type"]],
        "Home / carer ref": incident["home_id"],
        "In borough?": w.YES_NO[incident["in_area"]],
        "Returned by": w.RETURNED_BY[incident["returned_by"]],
        "RHI status": w.STATUS[get("status")],
        "RHI offered": _date_cell(get("offered_at"), rng),
        "RHI date": _date_cell(get("held_at"), rng),
        "Attempts": get("attempts"),
        "Reason declined": get("declined_reason"),
        "Interviewer": w.ROLE[get("interviewer_role")],
        "Independent?": w.YES_NO[get("is_independent")],
        "How held": w.MODE[get("mode")],
        "Other refs covered": "; ".join((get("incident_ids") or ())[1:]) or None,
        "Triggers (all that apply)": _triggers_cell(get("coded_triggers"), rng),
        "Main trigger": _worded(get("primary_trigger"), rng),
        "Child's account": get("narrative"),
        "Child feels they were missing?": w.YES_NO[get("child_considers_missing")],
        "Harm while away?": w.HARM[get("harm")],
        "Actions": "; ".join(get("actions") or ()) or None,
    }


def _triggers_cell(codes: tuple[str, ...] | None, rng: np.random.Generator) -> str | None:
    if codes is None:
        return None
    return "; ".join(str(_worded(c, rng)) for c in codes) or w.ANSWERS["asked_none"]


def _worded(code: str | None, rng: np.random.Generator) -> str | None:
    """Return the label, or one of the wordings that forms use for it."""
    share, which = rng.random(2).tolist()
    if code is None:
        return None
    if code in w.ANSWERS:
        return w.ANSWERS[code]
    label, others = _wordings()[code]
    return label if share < 0.5 or not others else others[int(which * len(others))]


@cache
def _wordings() -> dict[str, tuple[str, list[str]]]:
    book = read_codebook()
    table = book.table
    return {
        code: (label, [p.strip().capitalize() for p in phrases.split(";") if fold(p)])
        for code, label, phrases in zip(table["code"], table["label"], table["phrases_in_forms"], strict=True)
    }
