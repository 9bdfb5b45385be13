"""The register of rules that rows and files are held against, most harmful first.

The DfE's checks of the SSDA903 table ``Missing`` keep their own numbers; ours are called ``MP-`` and their name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: What the accounting calls a sheet of records that no profile fits.
NOT_READ = "not read"

_DFE = "DfE validation rules for SSDA903"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is called, how bad a breach is, what is done about it, and what the reader is told.

    Parameters
    ----------
    name : str
        Name used in the code.
    severity : {"error", "warning", "note"}
        How bad.
    outcome : {"refused", "quarantined", "repaired", "accepted"}
        What is done with the file, row or cell.
    message : str
        What is wrong and what to do, without a value.
    fields : tuple of str
        Fields that the rule is about; empty for a rule about whole rows, sheets or files.
    dfe : str, default ""
        Number of the same rule among the DfE's checks of the SSDA903 return.
    dfe_at : mapping of field to number
        Where the DfE numbers the rule differently by field.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> RULES["end_before_start"].code, RULES["adult"].code, RULES["not_a_date"].code_of("returned_at")
    ('567', 'MP-ADULT', '1005')
    """

    name: str
    severity: str
    outcome: str
    message: str
    fields: tuple[str, ...] = ()
    dfe: str = ""
    dfe_at: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """What ``problems`` and ``quarantine`` call the rule."""
        return self.dfe or f"MP-{self.name.upper().replace('_', '-')}"

    @property
    def source(self) -> str:
        """Who made the rule."""
        return _DFE if self.dfe or self.dfe_at else "missing_patterns"

    def code_of(self, name: str) -> str:
        """Return what the rule is called where it is about one field."""
        return self.dfe_at.get(name, self.code)


def _rule(kind: tuple[str, str], name: str, message: str, fields: str = "", dfe: str = "", **at: str) -> Rule:
    return Rule(name, *kind, message, tuple(fields.split()), dfe, at)


_X, _Q = ("error", "refused"), ("error", "quarantined")
_W, _R, _N = ("warning", "accepted"), ("note", "repaired"), ("note", "accepted")
#: Repaired by a rule that may be wrong, so a person should look.
_D = ("warning", "repaired")

_REFUSED = [
    _rule(_X, "not_there", "there is no such file or folder; check the path"),
    _rule(_X, "unreadable", "it cannot be read; close it in other programs and try again"),
    _rule(_X, "changed_while_reading", "it changed while it was read; run again when its export has ended"),
    _rule(_X, "wrong_kind", "its name and content differ, or it is not a table; export the table itself"),
    _rule(_X, "locked", "the workbook is locked with a password; save it without one"),
    _rule(_X, "bomb", "the workbook unpacks to far more than its size; save it as CSV and check it"),
    _rule(_X, "empty_file", "the file is empty; export it again"),
    _rule(_X, "encoding_unknown", "its characters cannot be told; save it as 'CSV UTF-8'"),
    _rule(_X, "stray_quote", "a quotation mark is not closed, or stands inside a cell without being doubled"),
    _rule(_X, "row_limit", "it stops exactly where some programs cut tables off; export it in two parts"),
    _rule(_X, "many_long_rows", "many rows have more cells than the header"),
    _rule(_X, "hidden_records", "a hidden sheet holds records; unhide it, delete it, or name it in a profile"),
    _rule(_X, "formula_without_value", "formulas have no stored result; open it in Excel, save, and try again"),
    _rule(_X, "merged_cells", "cells are merged among the rows; unmerge them and fill each cell"),
    _rule(_X, "columns_twice", "the header names a column twice; rename or delete one of each"),
    _rule(_X, "column_needed", "a column that every row needs was not found; add its header to the profile"),
    _rule(_X, "two_profiles", "it fits more than one profile; name one with profile="),
    _rule(_X, "two_tables", "a second table stands below the first; put it on a sheet of its own"),
    _rule(_X, "date_order_other", "a column of dates cannot be trusted: it fits another order of day and month"),
    _rule(_X, "choices_undecidable", "a cell of choices can be taken apart in two ways; separate them by semicolons"),
    _rule(_X, "no_profile", "not read, none of its rows is used"),
    _rule(_X, "column_unusable", "a column holds bytes or a structure; have it given as text, numbers or dates"),
    _rule(_X, "database", "the database did not answer as it should; check the address, the rights and the query"),
]

_QUARANTINED = [
    _rule(_Q, "id_blank", "the child has no id; find it in the case system", "child_id"),
    _rule(_Q, "id_scientific", "the id became a number such as 1E5 and is lost; export ids as text", "child_id"),
    _rule(_Q, "id_date", "the id became a date and is lost; export ids as text", "child_id"),
    _rule(_Q, "id_two_children", "two children share this id: date of birth and sex both differ", "child_id"),
    _rule(_Q, "start_blank", "there is no start date; enter when the child was last seen", "missing_from", "1004"),
    _rule(
        _Q,
        "not_a_date",
        "not a real date or time; use dd/mm/yyyy HH:MM",
        "missing_from returned_at started_on ended_on held_at offered_at reported_at birth_month",
        missing_from="1004",
        returned_at="1005",
    ),
    _rule(_Q, "date_order", "only fits month first, but the column is written day first; use dd/mm/yyyy"),
    _rule(_Q, "placeholder_date", "a stand-in date such as 01/01/1900; enter the real date or leave it blank"),
    _rule(_Q, "year_out_of_range", "the year cannot be right; use a year of four digits"),
    _rule(_Q, "future_date", "lies after the file itself was written; enter the real date"),
    _rule(
        _Q,
        "end_before_start",
        "the end is before the start; correct whichever is wrong",
        "missing_from returned_at",
        "567",
    ),
    _rule(
        _Q,
        "started_while_open",
        "still open though the child has gone missing again since; enter the return",
        "returned_at",
        "574",
    ),
    _rule(
        _Q,
        "start_before_birth",
        "the start is on or before the date of birth; correct whichever is wrong",
        "missing_from birth_month",
        "586",
    ),
    _rule(
        _Q, "adult", "aged 18 or over at the start; check the date of birth and the start", "missing_from birth_month"
    ),
    _rule(
        _Q,
        "interview_before_return",
        "the interview is dated before the return that it is about; correct whichever is wrong",
        "held_at",
    ),
    _rule(_Q, "record_twice", "another row has the same reference and says otherwise; keep the right one"),
    _rule(_Q, "flag_unreadable", "not a yes or no; add its wording to the profile"),
    _rule(_Q, "not_a_number", "not a usable number; write digits only, or leave it blank"),
    _rule(_Q, "number_out_of_range", "the number cannot be right; a stand-in for 'unknown' should be left blank"),
    _rule(_Q, "error_cell", "the cell holds a spreadsheet error such as #REF!; mend it or type the value"),
    _rule(_Q, "long_row", "has more cells than the header; a separator inside a cell needs quotes round the cell"),
    _rule(_Q, "short_row", "has fewer cells than the header; the row may be cut off"),
    _rule(_Q, "field_too_long", "a cell is longer than 131,072 characters; a quote may be missing"),
    _rule(_Q, "test_record", "looks like a test record, not a child; delete it in the case system"),
]

_DFE_CHECKS = [
    _rule(_W, "dfe_type_unknown", "the type is neither M nor A; use one of these capitals", "category", "1006"),
    _rule(
        _W,
        "dfe_type_without_start",
        "there is a type but no start; enter when the child was last seen",
        "category missing_from",
        "564",
    ),
    _rule(_W, "type_blank", "missing or away is not recorded; enter which it was", "category", "565"),
    _rule(_W, "dfe_end_without_type", "there is an end but no type; enter M or A", "category returned_at", "566"),
    _rule(
        _W,
        "dfe_start_after_year",
        "starts after the collection year has ended; leave it for the next return, or correct it",
        "missing_from",
        "570",
    ),
    _rule(_W, "dfe_end_outside_year", "ends outside the collection year; check the return", "returned_at", "571"),
    _rule(
        _W,
        "dfe_open_after_placement",
        "open, though the placement it began in has ended; enter the return, or correct the placement",
        "returned_at",
        "575",
    ),
    _rule(_W, "dfe_open_last_year", "open in last year's file, but this year's starts differently", "", "576"),
    _rule(
        _W,
        "dfe_outside_care",
        "falls outside every period of care; check its dates and those of the placements",
        "missing_from returned_at",
        "577",
    ),
    _rule(
        _W,
        "dfe_start_outside_care",
        "starts before care began or after it ended; check its start and the placements",
        "missing_from",
        "578",
    ),
    _rule(_W, "dfe_left_at_18", "ends on the 18th birthday with the placement, whose reason is not E8", "", "580"),
    _rule(
        _W,
        "dfe_start_outside_placements",
        "starts within no placement of the child; check its start and the placements",
        "missing_from",
        "581",
    ),
    _rule(
        _W,
        "dfe_no_placement",
        "the child has no placement in this return; add it, or take this row out of the return",
        "child_id",
        "1012",
    ),
    _rule(
        _W,
        "dfe_not_in_header",
        "the child is not in the table Header; add the child, or check the id",
        "child_id",
        "INT04",
    ),
    _rule(
        _W,
        "dfe_header_birth",
        "the date of birth differs from the table Header; find out which is right",
        "birth_month",
        "INT13",
    ),
]

_DOUBTED = [
    _rule(_W, "date_order_unproven", "no date proves the order; read day first, check a few by eye"),
    _rule(
        _W,
        "dob_differs",
        "the child has different dates of birth in different rows; find out which is right",
        "birth_month",
    ),
    _rule(_W, "sex_differs", "the child has different sexes in different rows; find out which is right", "sex"),
    _rule(
        _W,
        "person_unclear",
        "the references of this person lead to several children, or to one of another birth and sex; kept apart",
        "child_id",
    ),
    _rule(
        _W,
        "person_unknown",
        "no reference leads from this person to a child; kept apart",
        "child_id",
    ),
    _rule(
        _W,
        "child_two_ids",
        "looks like a child who is also here under another id; if so, merge the two records",
        "child_id",
    ),
    _rule(_W, "id_lengths", "ids of digits differ in length; leading noughts may have been lost", "child_id"),
    _rule(_D, "two_digit_year", "a year of two digits was read as the nearest that is not in the future"),
    _rule(_D, "clock_gap", "this time does not exist (the clocks went forward); it was moved to 02:00"),
    _rule(_W, "clock_fold_unproven", "this time came twice (the clocks went back); read as the first"),
    _rule(_W, "dates_after_file", "most dates lie after the file was written; its own date is not believed"),
    _rule(_W, "unmapped_code", "the wording is not in the profile's list; read as not recorded. Add it to the profile"),
    _rule(_W, "unmapped_trigger", "a trigger's wording is not in the codebook; counted as 'unmapped'"),
    _rule(_W, "date_is_words", "words instead of a date; read as not recorded"),
    _rule(_W, "zero_length", "starts and ends in the same minute; check both times"),
    _rule(_W, "duration_long", "longer than 30 days; check the return"),
    _rule(_W, "same_day_again", "same child and day as an earlier row, without times: kept as a second absence"),
    _rule(
        _W, "many_starts", "more than three starts of one child on one day; check that each is an absence of its own"
    ),
    _rule(_W, "back_to_back", "starts at the minute an earlier record ends; one absence may be written in two"),
    _rule(_W, "infant", "aged under 5 at the start; check the date of birth"),
    _rule(_W, "mostly_midnight", "many times are exactly 00:00; if that means 'time unknown', leave the time out"),
    _rule(_W, "time_blank", "the time is blank: durations of this row are in whole days"),
    _rule(_W, "time_twice", "a time stands in the date and in the column beside it; the date's own was used"),
    _rule(_W, "one_category", "every row is of one type, missing or away: a habit of recording, not a fact"),
    _rule(_W, "interview_planned", "lies after the file was written and is not said to be held: booked, not recorded"),
    _rule(_W, "interview_late", "held more than 72 hours after the return"),
    _rule(_W, "interview_without_incident", "an interview that belongs to no incident here"),
    _rule(_W, "incident_without_interview", "a return without any word of an interview"),
    _rule(_W, "placement_undated", "a placement without its first day; not recorded. Enter the date", "started_on"),
    _rule(_W, "ref_unreadable", "a spreadsheet turned the reference into a number or date; read as not recorded"),
    _rule(_W, "ref_twice", "the reference is used by more than one row; rows are told apart by file and line"),
    _rule(_W, "ref_far_apart", "shares a reference with a record more than a day apart; not joined, check it"),
    _rule(_W, "ref_not_found", "covers a reference that is not here, or not of this child"),
    _rule(_W, "other_authority", "names another authority as responsible; counted like the others"),
    _rule(_W, "postcode_unusable", "postcodes that are none (no fixed abode, ZZ99); read as unknown"),
    _rule(_W, "table_absent", "the database has no such table or view; nothing was read of it"),
    _rule(_W, "column_absent", "no column was found for this; check the header against the profile"),
    _rule(_W, "two_headers", "more than one column could be this; the first name in the profile's list was used"),
    _rule(_W, "columns_unused", "columns that the profile does not use"),
    _rule(_W, "hidden_sheet", "the sheet is hidden and was not read; unhide it, or name it in a profile"),
    _rule(_W, "hidden_rows", "rows are hidden or filtered out in the workbook; they were read like the others"),
    _rule(_W, "sheet_no_profile", "no profile fits this sheet; others of the file were read, this one was not"),
    _rule(_W, "folder_inside", "a folder inside is not read; name it too"),
    _rule(_W, "no_rows", "there is a header but no rows"),
    _rule(_W, "files_overlap", "holds records that an earlier file holds too; each counts once"),
    _rule(_W, "mojibake_lost", "characters were garbled by an earlier program and cannot be restored"),
    _rule(_W, "mixed_encodings", "some lines are Windows text among UTF-8; each line was read as what it is"),
    _rule(_W, "not_checked", "checks that need what is not here were left out"),
]

_REPAIRED = [
    _rule(_R, "duplicate_row", "says exactly what another row says; set aside, only that one is looked at"),
    _rule(_R, "superseded", "another file has it with a return, or is later; set aside, that row is looked at"),
    _rule(_R, "encoding_cp1252", "the file is not UTF-8; it was read as Windows text (cp1252)"),
    _rule(_R, "mojibake", "garbled characters were restored"),
    _rule(_R, "nul_bytes", "NUL bytes were taken out"),
    _rule(_R, "id_repaired", "invisible or full-width characters, small letters or a trailing .0 were taken out"),
    _rule(_R, "excel_serial", "an Excel day number was read as its date"),
    _rule(_R, "epoch_1904", "the workbook counts days from 1904; its dates were read so"),
    _rule(_R, "midnight_24", "24:00 was read as midnight at the end of that day"),
    _rule(_R, "time_reworded", "a time not written as HH:MM was read"),
    _rule(_R, "date_reworded", "a date not written as the rest of its column was read"),
    _rule(_R, "utc_time", "a time in UTC, or with an offset, was turned into London time"),
    _rule(_R, "open_placeholder", "a far-future stand-in date was read as still open"),
    _rule(_R, "clock_fold", "this time came twice (the clocks went back); the order of start and end tells which"),
    _rule(_R, "number_unit", "a unit, a pound sign or a thousands comma was taken off the number"),
    _rule(_R, "choices_split", "several choices in one cell were taken apart"),
    _rule(_R, "control_characters", "invisible control characters were taken out"),
    _rule(_R, "code_of_other_year", "a code of another collection year was read by that year's list"),
    _rule(_R, "child_by_reference", "the child's own id was taken from the record with the same reference"),
]

_NOTED = [
    _rule(_N, "date_order_proven", "dates read in the order declared"),
    _rule(_N, "day_precision", "holds a date without a time: durations of this row are in whole days"),
    _rule(_N, "all_midnight", "every time is exactly 00:00: read as dates without a time"),
    _rule(_N, "status_from_date", "no status beside the date it was held: read as completed", "held_at"),
    _rule(_N, "overlap", "overlaps an earlier record of the child; they are joined into one episode later"),
    _rule(_N, "dfe_not_checked", "checks of the DfE that need what is not here were left out"),
    _rule(_N, "matched", "the same absence as a record of another source"),
    _rule(_N, "total_row", "a total, count or note below the rows, not a record"),
    _rule(_N, "not_read", "not a kind of file that is read"),
    _rule(_N, "not_a_table", "does not look like a table of records; not read"),
    _rule(_N, "same_file_twice", "holds exactly the bytes of another file; not read again"),
    _rule(_N, "empty_sheet", "the sheet is empty"),
]

#: Every rule by name, most harmful first.
RULES = {r.name: r for r in (*_REFUSED, *_QUARANTINED, *_DFE_CHECKS, *_DOUBTED, *_REPAIRED, *_NOTED)}
