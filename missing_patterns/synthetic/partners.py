"""What others hold of the same absences: the police their reports, Ofsted the list of children in care (Annex A)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from missing_patterns.synthetic import wordings as w
from missing_patterns.synthetic.files import DATE, DATE_TIME, book_of, rows_of, to_csv

if TYPE_CHECKING:
    from missing_patterns.synthetic.borough import Borough

#: Steps of the random streams; the borough uses 0 to 6, its own files 20.
POLICE_STREAM, ANNEX_STREAM = 21, 22
POLICE_HEADERS = (
    *("Police reference", "Nominal ID", "DOB", "Sex", "Date/time reported", "Last seen", "Found", "Risk grade"),
    *("Missing from", "Found by"),
)
ANNEX_HEADERS = (
    *("Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Placement Type", "Placement Provider"),
    *("Start Date of Most Recent Placement", "URN of Placement"),
    "Number of Episodes the Child has been 'Missing' from their Placement in the last 12 months",
    "Number of Episodes the Child has been 'Absent' from their Placement in the last 12 months",
    "Was the child offered a Return Interview after their last missing episode (Y/N)?",
    "Did the child accept a Return Interview after their last missing episode (Y/N)?",
)
#: Share, of the absences whose police number the council does not hold, that the police know all the same.
KNOWN_TO_POLICE = 0.6
#: The police write the time of the call, and when an officer saw the child: minutes away from the council's times.
MINUTES_APART = 12
_GRADES = {"no_apparent_risk": "NAR", "low": "L", "medium": "M", "high": "H"}
_NUMBER = ("c) Unknown", "b) No", "a) Yes")


def police_reports(borough: Borough, born: Mapping[str, Any]) -> bytes:
    """Return the police's reports of the borough's absences, as CSV, one row per report.

    Children stand under the police's own numbers. Times differ from the council's by some minutes. An absence whose
    whereabouts were known all along was not reported.

    Raises
    ------
    Nothing.
    """
    rng = np.random.default_rng([borough.truth.parameters["seed"], POLICE_STREAM])
    sexes = dict(zip(borough.records.children["child_id"], borough.records.children["sex"], strict=True))
    nominal = {c: f"N{i:06d}" for i, c in enumerate(sorted(sexes, key=lambda c: c[::-1]), 700_001)}
    out = []
    for n, row in enumerate(rows_of(borough.records.incidents)):
        chance, *apart = rng.random(3).tolist()
        if row["category"] == "away" or (row["police_ref"] is None and chance > KNOWN_TO_POLICE):
            continue
        late, later = (pd.Timedelta(minutes=round(-MINUTES_APART * np.log(1 - u))) for u in apart)
        child, found = row["child_id"], row["returned_at"]
        out.append(
            (
                row["police_ref"] or f"MP{row['missing_from'].year}-9{n:05d}",
                nominal[child],
                born[child].strftime(DATE),
                w.SEX_903[sexes[child]],
                _at(row["reported_at"]),
                _at(row["missing_from"] + late),
                _at(None if found is None else max(found, row["missing_from"] + late) + later),
                _GRADES.get(row["risk_level"], "NAR" if row["category"] == "no_apparent_risk" else "Std"),
                {"home": "Home address", "care": "Care home", "school": "School"}.get(
                    row["missing_from_setting"], "Other"
                ),
                {"self": "Returned of own accord", "police": "Found by police", "carer": "Care staff"}.get(
                    row["returned_by"], "Family"
                ),
            )
        )
    return to_csv(POLICE_HEADERS, out)


def annex_a(borough: Borough) -> bytes:
    """Return list 8 of Annex A as a workbook: children in care on the last day, with the four counts and answers.

    The counts are those of the council's own records in the 12 months before the end; a few were typed wrongly.

    Raises
    ------
    Nothing.
    """
    rng = np.random.default_rng([borough.truth.parameters["seed"], ANNEX_STREAM])
    records = borough.records
    after = pd.Timestamp(borough.truth.parameters["ends_on"], tz="Europe/London") + pd.DateOffset(days=1)
    recent = records.incidents[records.incidents["missing_from"] >= after - pd.DateOffset(months=12)]
    counts = recent.groupby(["child_id", "category"]).size()
    last = recent[recent["category"] == "missing"].groupby("child_id")["incident_id"].last()
    status = {i: s for ids, s in zip(records.interviews["incident_ids"], records.interviews["status"], strict=True)
              for i in ids}  # fmt: skip
    spells = {r["child_id"]: r for r in rows_of(records.placements) if r["ended_on"] is None}
    born = dict(zip(borough.truth.children["child_id"], borough.truth.children["born_on"], strict=True))
    rows: list[tuple[Any, ...]] = []
    for child in rows_of(records.children):
        spell = spells.get(child["child_id"])
        if spell is None:
            continue
        n_missing = int(counts.get((child["child_id"], "missing"), 0))
        n_away = sum(int(counts.get((child["child_id"], c), 0)) for c in ("away", "no_apparent_risk"))
        offered, accepted = _answers(status.get(last.get(child["child_id"])) if n_missing else None)
        slip, which = rng.random(2).tolist()
        rows.append(
            (
                child["child_id"],
                {"male": "a) Male", "female": "b) Female", "not_stated": "c) Not stated"}.get(
                    child["sex"], "d) Neither"
                ),
                f"a) {child['ethnicity']}" if child["ethnicity"] else None,
                born[child["child_id"]].to_pydatetime(),
                w.place_code(spell["placement_type"], which),
                spell["provider"],
                spell["started_on"].to_pydatetime(),
                spell["home_id"] if spell["home_id"].startswith("SC") else None,
                max(0, n_missing - 1) if slip < 0.04 else n_missing,
                n_away,
                offered if n_missing else None,
                accepted if n_missing else None,
            )
        )
    return _book(borough, rows)


def _at(stamp: Any) -> str | None:
    return None if stamp is None else str(stamp.strftime(DATE_TIME))


def _answers(status: str | None) -> tuple[str, str]:
    """Answer the two questions about the last interview from its rung: offered, accepted."""
    unknown, no, yes = _NUMBER
    if status is None or status == "unknown":
        return unknown, unknown
    if status.startswith("not_"):
        return no, no
    return yes, unknown if status == "offered_pending" else no if status == "declined" else yes


def _book(borough: Borough, rows: list[tuple[Any, ...]]) -> bytes:
    out = io.BytesIO()
    book = book_of(borough, out, "Annex A")
    bold, day = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"num_format": "dd/mm/yyyy"})
    cover = book.add_worksheet("Guidance")
    cover.write_string(0, 0, "Annex A: lists of children. Made-up data: no real child is in it.")
    sheet = book.add_worksheet("List 8")
    sheet.write_row(0, 0, ANNEX_HEADERS, bold)
    for line, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if hasattr(value, "year"):
                sheet.write_datetime(line, column, value, day)
            elif value is not None:
                sheet.write(line, column, value)
    book.close()
    return out.getvalue()
