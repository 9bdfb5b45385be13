"""Ids, codes, flags, numbers and multi-select cells."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.codebook import read_codebook
from missing_patterns.ingest import values
from missing_patterns.ingest.grid import Grid, as_text, is_blank

PARSE = values.trigger_parser(read_codebook())


@pytest.mark.parametrize(
    "written", ["c12", " C12 ", "C12\u00a0", "\u200bC12", "\uff2312", "C\u200d12", "'C12", "\ufeffC12", "C12\u202c"]
)
def test_one_child_has_one_id_however_it_is_typed(written: str) -> None:
    assert values.parse_id(written)[0] == "C12"


@pytest.mark.parametrize(
    ("written", "read", "fault"),
    [
        ("00123", "00123", ""),
        ("123.0", "123", ""),
        (123.0, "123", ""),
        (123, "123", ""),
        ("12  34", "12 34", ""),
        ("1E5", None, "id_scientific"),
        ("1.23E+17", None, "id_scientific"),
        (1.23e17, None, "id_scientific"),
        (12.5, None, "id_scientific"),
        ("01-Feb", None, "id_date"),
        ("Feb-01", None, "id_date"),
        (dt.datetime.fromisoformat("2026-02-01"), None, "id_date"),
        ("", None, "id_blank"),
        (None, None, "id_blank"),
        ("NULL", None, "id_blank"),
        ("n/a", None, "id_blank"),
        ("Unknown", None, "id_blank"),
        ("\u200b", None, "id_blank"),
        (float("nan"), None, "id_blank"),
    ],
)
def test_an_id_is_kept_whole_or_refused(written: object, read: str | None, fault: str) -> None:
    assert values.parse_id(written)[:2] == (read, fault)  # type: ignore[arg-type]


@given(st.text(alphabet="abcXYZ0189-/ \u200b\u00a0", max_size=12))
@settings(deadline=None, max_examples=100)
def test_an_id_once_read_reads_the_same_again(text: str) -> None:
    once = values.parse_id(text)[0]
    assert once is None or values.parse_id(once) == (once, "", "")


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("Bullying", ("school_bullying",)),
        ("school_bullying", ("school_bullying",)),
        ("Bullying; Boredom", ("school_bullying", "wellbeing_boredom")),
        ("Bullying\nBoredom", ("school_bullying", "wellbeing_boredom")),
        ("Bullying|Boredom", ("school_bullying", "wellbeing_boredom")),
        ("Bullying, Boredom", ("school_bullying", "wellbeing_boredom")),
        ("Bullying & Boredom", ("school_bullying", "wellbeing_boredom")),
        ("Bullying and boredom / debt", ("school_bullying", "wellbeing_boredom", "exploitation_threat")),
        ("CCE, county lines", ("exploitation_criminal",)),
        ("CCE, county lines, Bullying", ("exploitation_criminal", "school_bullying")),
        ("physical, emotional or sexual abuse; Boredom", ("home_abuse", "wellbeing_boredom")),
        ("physical, emotional or sexual abuse, Boredom", ("home_abuse", "wellbeing_boredom")),
        ("abuse and/or bullying, debt", ("school_bullying", "exploitation_threat")),
        ("Boundaries & control", ("rules_boundaries",)),
        ("- Bullying\n- Boredom", ("school_bullying", "wellbeing_boredom")),
        ("\u2022 Bullying\n[x] Boredom\n3) Debt", ("school_bullying", "wellbeing_boredom", "exploitation_threat")),
        ("a) Bullying", ("school_bullying",)),
        ("Self\u2010harm", ("wellbeing_self_harm",)),
        ("Bullying; Bullying", ("school_bullying",)),
        ("Bullying;;", ("school_bullying",)),
        ("the moon", ("unmapped",)),
        ("Bullying; the moon", ("school_bullying", "unmapped")),
        ("Bullying, the moon", ("school_bullying", "unmapped")),
        ("Bullying,", ("school_bullying",)),
        ("None", ()),
        ("No reason given", ()),
        ("None; Bullying", ("school_bullying",)),
        ("Unknown", ("unknown",)),
        ("Declined to say", ("declined_to_say",)),
        ("N/A", ("not_recorded",)),
        ("Other", ("other_specified",)),
        ("Other: went with someone", ("other_specified",)),
        ("Other (please specify)", ("other_specified",)),
        ("", None),
        ("-", None),
        (None, None),
    ],
)
def test_a_multi_select_cell_is_taken_apart(written: str | None, codes: tuple[str, ...] | None) -> None:
    assert PARSE(written)[0] == codes


def test_a_trigger_without_a_code_is_counted_never_dropped() -> None:
    assert PARSE("the moon")[1] == "unmapped_trigger"
    assert PARSE("Bullying")[1] == ""


def test_every_wording_of_the_codebook_is_found_alone_and_beside_another() -> None:
    book = read_codebook()
    for wording, code in book.wordings.items():
        if wording in ("none", "other", "unknown"):
            continue
        assert PARSE(wording)[0] == (code,)
        assert set(PARSE(f"{wording}; Boredom")[0] or ()) == {code, "wellbeing_boredom"}


def test_codes_are_found_by_wording_letter_and_case() -> None:
    parse = values.code_parser({"yes": "yes", "foster care": "foster"})
    assert [parse(c)[0] for c in ("YES", "Foster  Care", "b) foster care", "p: foster care", 1)] == [
        "yes", "foster", "foster", "foster", None,
    ]  # fmt: skip
    assert parse("something else")[1:] == ("unmapped_code", "")
    assert [parse(c) for c in (None, "", "N/K")] == [(None, "", "")] * 3


def test_flags_are_read_in_their_usual_wordings() -> None:
    parse = values.flag_parser({"in": "yes", "out": "no"})
    assert [parse(c)[0] for c in ("Yes", "Y", True, 1, 1.0, "\u2713", "x", "in")] == [True] * 8
    assert [parse(c)[0] for c in ("No", "N", False, 0, "OUT")] == [False] * 5
    assert [parse(c) for c in (None, "", "not known")] == [(None, "", "")] * 3
    assert parse("perhaps") == (None, "unmapped_code", "")


@pytest.mark.parametrize(
    ("written", "read", "fault"),
    [("2", 2, ""), (2.0, 2, ""), ("2 attempts", 2, ""), ("", None, ""), ("unknown", None, ""),
     ("-1", None, "not_a_number"), ("99999", None, "not_a_number"), ("1,5", None, "not_a_number"),
     (float("inf"), None, "not_a_number")],
)  # fmt: skip
def test_counts(written: object, read: int | None, fault: str) -> None:
    assert values.parse_count(written)[:2] == (read, fault)  # type: ignore[arg-type]


def test_distances_and_stand_ins() -> None:
    assert [values.parse_number(c)[0] for c in ("12.5", 3, "999.9", "", "unknown", "far")] == [
        12.5,
        3.0,
        None,
        None,
        None,
        None,
    ]
    assert values.parse_number("far")[1] == "not_a_number"


def test_ethnic_codes_with_and_without_their_letter() -> None:
    assert [values.parse_ethnicity(c)[0] for c in ("WBRI", "a) wbri", "", None, "not known")] == [
        "WBRI",
        "WBRI",
        None,
        None,
        None,
    ]
    assert values.parse_ethnicity("Martian")[1] == "unmapped_code"


def test_text_keeps_its_words_and_loses_what_cannot_be_seen() -> None:
    assert values.parse_text("=1+1\nsecond line") == ("=1+1\nsecond line", "", "")
    assert values.parse_text("a\x07b") == ("ab", "", "control_characters")
    assert values.parse_text("\x07") == (None, "", "control_characters")
    assert values.parse_word(" c2 ")[0] == "C2"
    assert values.parse_word(None)[0] is None


def test_lists_and_references() -> None:
    assert values.parse_list("Referral; ;Safety plan\nReferral")[0] == ("Referral", "Safety plan")
    assert values.parse_list("")[0] is None
    assert values.parse_refs("m1; M2 M3")[0] == ("M1", "M2", "M3")
    assert values.parse_refs("n/a")[0] is None
    assert values.parse_refs(None)[0] is None


def test_spreadsheet_errors_are_known() -> None:
    assert [values.is_error(c) for c in ("#REF!", "#N/A", "####", "#1 reason", 5)] == [True, True, True, False, False]


def test_cells_as_text() -> None:
    assert [as_text(c) for c in (None, "a", True, False, 2.0, 2.5, dt.date(2026, 1, 5))] == [
        "", "a", "TRUE", "FALSE", "2", "2.5", "2026-01-05",
    ]  # fmt: skip
    assert [is_blank(c) for c in (None, "", "\u200b", "NULL", float("nan"), "None", 0, False)] == [True] * 5 + [
        False
    ] * 3
    assert repr(Grid("a.csv", "", [["secret"]], [1])) == "Grid: 1 rows"
