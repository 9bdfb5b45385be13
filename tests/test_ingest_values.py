"""Ids, codes, flags, numbers and multi-select cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import schema
from missing_patterns.codebook import Codebook, fold, read_codebook
from missing_patterns.ingest import RULES, read_profile
from missing_patterns.ingest.cells import values
from missing_patterns.ingest.cells.choices import Choices, Parts, only_one, separators
from missing_patterns.ingest.cells.figures import parse_count, parse_number
from missing_patterns.ingest.cells.ladder import answer_parser, rung_of, rungs
from missing_patterns.ingest.opening.grid import Grid, as_text, is_blank
from missing_patterns.ingest.sheet.areas import is_postcode
from missing_patterns.ingest.sheet.columns import constant, typed
from missing_patterns.ingest.sheet.dummies import read_marks

PARSE = Choices(read_codebook())


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
        (True, None, "id_blank"),
        ("\u200b", None, "id_blank"),
        ("\x07", None, "id_blank"),
        ("c\x0712", "C12", ""),
        ("12/03/2026", None, "id_date"),
        ("2026-03-12 00:00:00", None, "id_date"),
        ("Jan-2026", None, "id_date"),
        ("123E4", None, "id_scientific"),
        ("E123", "E123", ""),
        ("12E", "12E", ""),
        ("3F2504E0-4F89-41D3-9A0C-0305E82C3301", "3F2504E0-4F89-41D3-9A0C-0305E82C3301", ""),
        ("12345678901234567", "12345678901234567", ""),
        (float("nan"), None, "id_blank"),
    ],
)
def test_an_id_is_kept_whole_or_refused(written: object, read: str | None, fault: str) -> None:
    assert values.parse_id(written)[:2] == (read, fault)  # type: ignore[arg-type]


CELLS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.text(max_size=12),
    st.text(alphabet="abcXYZE0189-/.,; \u200b\u00a0\n", max_size=12),
    st.sampled_from(["None", "1,234", "\u00a35", "2 hrs", "inf", "Yes", "N/A", "CCE, county lines", "a/b", "\ud800x"]),
)


@given(st.lists(CELLS, max_size=8))
@settings(deadline=None, max_examples=150)
def test_an_id_once_read_reads_the_same_again_and_plain_ones_are_what_they_seem(cells: list[Any]) -> None:
    plain = values.are_plain_ids(cells)
    for cell, is_plain in zip(cells, plain, strict=True):
        once = values.parse_id(cell)[0]
        assert once is None or values.parse_id(once) == (once, "", "")
        assert not is_plain or values.parse_id(cell) == (cell, "", "")
    assert values.parse_distinct(cells, values.parse_id).values == [values.parse_id(cell)[0] for cell in cells]


PARSERS: list[Callable[[Any], values.Parsed]] = [
    values.parse_id,
    values.parse_text,
    values.parse_word,
    values.cleaned(values.code_parser({"yes": "yes"})),
    values.cleaned(values.flag_parser({})),
    values.cleaned(answer_parser({}, {"declined": "declined"})),
    values.cleaned(parse_count),
    values.cleaned(parse_number),
    PARSE,
    only_one(PARSE),
    Parts(),
    Parts(are_refs=True),
]


@given(st.lists(CELLS, max_size=6), st.sampled_from(PARSERS))
@settings(deadline=None, max_examples=300)
def test_any_cell_gives_a_value_a_fault_or_a_repair_and_never_stops_the_reader(
    cells: list[Any], parse: Callable[[Any], values.Parsed]
) -> None:
    together = values.parse_distinct(cells, parse)
    alone = [parse(cell) for cell in cells]
    assert together.values == [value for value, _, _ in alone]
    assert [together.rules[i] for i in together.fault] == [fault for _, fault, _ in alone]
    assert [together.rules[i] for i in together.repair] == [repair for _, _, repair in alone]
    assert set(together.rules) <= {"", *RULES}


def test_an_id_that_could_hold_a_word_is_looked_at_by_itself() -> None:
    assert values.are_plain_ids(["ABC123", "ABCD123", "TEST01", "C1-2", "1" * 16, "1" * 17]).tolist() == [
        *(True, False, False, False, True, False)
    ]


def test_masks_say_which_rows_broke_what() -> None:
    read = values.parse_distinct(["c1", "1E5", ""], values.parse_id)
    rows = np.array([0, 1, 1, 2, 0])
    assert {rule: where.tolist() for rule, where in read.masks(rows).items()} == {
        "id_scientific": [False, True, True, False, False],
        "id_blank": [False, False, False, True, False],
    }
    assert read.masks(rows, repaired=True)["id_repaired"].tolist() == [True, False, False, False, True]
    assert values.parse_distinct([], values.parse_id).masks(np.zeros(0, int)) == {}
    assert repr(read) == "Parses: 3 cells, 3 rules"


def test_values_get_the_types_of_their_tables() -> None:
    assert typed(["a", None], "text").tolist() == ["a", pd.NA]
    assert typed([True, None], "flag").dtype == "boolean"
    assert typed([1, None], "count").dtype == "Int64"
    assert np.isnan(typed([1.5, None], "number")[1])
    assert typed([("a",), (), None], "list").tolist() == [("a",), (), None]
    assert constant(None, "list", 2).tolist() == [None, None]
    assert constant("x", "id", 2).dtype == schema.TEXT


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
        ("Bullying + Boredom", ("school_bullying", "wellbeing_boredom")),
        ("\u2713 Bullying\n\u2610 Boredom", ("school_bullying", "unmapped")),
        ("went to the shops, and back", ("unmapped",)),
        ("Other: Donald, Bullying", ("other_specified",)),
        ("Other: the fair; Bullying", ("other_specified", "school_bullying")),
        ("Other: the fair\nBullying", ("other_specified", "school_bullying")),
        ("CCE,\ncounty lines", ("exploitation_criminal",)),
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
    assert parse("perhaps") == (None, "flag_unreadable", "")
    assert parse(2) == (None, "flag_unreadable", "")
    assert parse("Yes - offered")[0] is True


@pytest.mark.parametrize(
    ("written", "read", "told"),
    [
        ("2", 2, ""), (2.0, 2, ""), (2, 2, ""), ("+2", 2, ""), ("", None, ""), ("unknown", None, ""),
        ("2 attempts", 2, "number_unit"), ("2 hrs", 2, "number_unit"), ("2 days", 2, "number_unit"),
        ("\u00a35", 5, "number_unit"),
        ("1,234", None, "number_out_of_range"), ("-1", None, "number_out_of_range"), (-1, None, "number_out_of_range"),
        (999, None, "number_out_of_range"), ("99999", None, "number_out_of_range"),
        ("inf", None, "number_out_of_range"), (float("-inf"), None, "number_out_of_range"),
        ("1" * 400, None, "not_a_number"),
        ("1,5", None, "not_a_number"), ("1.5", None, "not_a_number"), ("several", None, "not_a_number"),
        (True, None, "not_a_number"), (dt.date(2026, 1, 2), None, "not_a_number"),
    ],
)  # fmt: skip
def test_counts(written: object, read: int | None, told: str) -> None:
    value, fault, repair = parse_count(written)  # type: ignore[arg-type]
    assert (value, fault or repair) == (read, told)


@pytest.mark.parametrize(
    ("written", "read", "told"),
    [
        ("12.5", 12.5, ""), (3, 3.0, ""), (0, 0.0, ""), ("", None, ""), ("unknown", None, ""), ("999.9", None, ""),
        (999.9, None, ""), ("12 miles", 12.0, "number_unit"), ("1,234", 1234.0, "number_unit"),
        ("1,234.5 mi.", 1234.5, "number_unit"),
        ("999", None, "number_out_of_range"), ("9999", None, "number_out_of_range"),
        ("-1", None, "number_out_of_range"), ("12451", None, "number_out_of_range"),
        ("Infinity", None, "number_out_of_range"),
        ("1,5", None, "not_a_number"), ("12,34", None, "not_a_number"), ("12 km", None, "not_a_number"),
        ("far", None, "not_a_number"), ("2-3", None, "not_a_number"),
    ],
)  # fmt: skip
def test_distances_and_stand_ins(written: object, read: float | None, told: str) -> None:
    value, fault, repair = parse_number(written)  # type: ignore[arg-type]
    assert (value, fault or repair) == (read, told)


def test_text_keeps_its_words_and_loses_what_cannot_be_seen() -> None:
    assert values.parse_text("=1+1\nsecond line") == ("=1+1\nsecond line", "", "")
    assert values.parse_text("a\x07b") == ("ab", "", "control_characters")
    assert values.parse_text("\x07") == (None, "", "control_characters")
    assert values.parse_word(" c2 ")[0] == "C2"
    assert values.parse_word(None)[0] is None


def test_text_of_ten_thousand_marks_is_cut_to_a_few() -> None:
    assert values.parse_text("e" + "\u0301" * 10_000) == ("e" + "\u0301" * 4, "", "control_characters")
    assert values.parse_text("caf\u00e9 e\u0301 \U0001f600") == ("caf\u00e9 e\u0301 \U0001f600", "", "")
    assert values.parse_text("a\ud800b") == ("ab", "", "control_characters")


def test_what_nobody_sees_is_taken_out_of_any_cell_and_told() -> None:
    parse = values.cleaned(values.code_parser({"completed": "completed"}))
    assert parse("Comp\u202eleted\u200b") == ("completed", "", "control_characters")
    assert parse("\u202eelse") == (None, "unmapped_code", "control_characters")
    assert parse("Completed") == ("completed", "", "")
    assert parse(5)[1] == "unmapped_code"


def test_lists_and_references() -> None:
    assert Parts()("Referral; ;Safety plan\nReferral") == (("Referral", "Safety plan"), "", "choices_split")
    assert Parts()("a\x07b") == (("ab",), "", "control_characters")
    assert Parts()("")[0] is None
    refs = Parts(are_refs=True)
    assert refs("m1; M2 M3") == (("M1", "M2", "M3"), "", "choices_split")
    assert (refs(12.0)[0], refs("n/a"), refs(None)[0]) == (("12",), (None, "", ""), None)
    assert refs("M1, 1E5") == (("M1",), "id_scientific", "")
    assert refs.marks == {";", " "}
    assert (repr(refs), repr(Parts())) == ("Parts: references", "Parts: texts")


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("Bullying; Boredom", "semicolons"),
        ("Bullying\nBoredom", "new lines"),
        ("Bullying, boredom & debt", "'and', commas"),
        ("Bullying / Boredom | Debt", "bars, slashes"),
        ("Bullying\tBoredom + debt", "plus signs, tabs"),
        ("CCE, county lines", ""),
    ],
)
def test_what_a_cell_was_split_at_is_kept(cell: str, at: str) -> None:
    parse = Choices(read_codebook())
    assert parse(cell)[2] == ("choices_split" if at else "")
    assert separators(parse.marks) == at


class TestTwoWaysToTakeApart:
    """A codebook in which "a, b" and "b, c" are wordings, beside "a", "c" and "d, d"."""

    BOOK = read_codebook().amend(
        added=[
            {"code": code, "domain": "local", "side": "pull", "label": words}
            for code, words in (
                ("one", "aa, bb"),
                ("two", "bb, cc"),
                ("three", "aa"),
                ("four", "cc"),
                ("five", "ee, ff"),
            )
        ]
        + [{"code": "six", "domain": "local", "side": "pull", "label": "dd", "phrases_in_forms": "dd, ee; ff"}]
    )

    @pytest.mark.parametrize(
        ("cell", "codes"),
        [
            ("aa, bb", ("one",)),
            ("bb, cc; aa", ("two", "three")),
            ("aa, cc", ("three", "four")),
            ("aa, bb and cc", ("one", "four")),  # "bb and cc" is no wording
        ],
    )
    def test_one_way_is_taken(self, cell: str, codes: tuple[str, ...]) -> None:
        assert Choices(self.BOOK)(cell)[:2] == (codes, "")

    @pytest.mark.parametrize("cell", ["aa, bb, cc", "Bullying; aa, bb, cc", "dd, ee, ff"])
    def test_two_ways_are_nobody_s_guess(self, cell: str) -> None:
        assert Choices(self.BOOK)(cell) == (None, "choices_undecidable", "")

    def test_a_piece_that_nobody_knows_leaves_one_way_the_longest_first(self) -> None:
        assert Choices(self.BOOK)("aa, bb, zz, cc")[0] == ("one", "unmapped", "four")

    def test_fewer_parts_go_before_more(self) -> None:
        assert Choices(self.BOOK)("aa, bb, aa, cc")[0] == ("one", "three", "four")

    def test_the_packaged_codebook_decides_every_pair_of_its_own_wordings(self) -> None:
        book: Codebook = read_codebook()
        wordings = [w for w in book.wordings if w not in ("none", "other", "unknown")]
        rng = np.random.default_rng(3)
        for one, two in rng.choice(wordings, (400, 2)).tolist():
            codes, fault, _ = PARSE(f"{one}, {two}")
            assert fault == ""
            assert {book.wordings[one], book.wordings[two]} >= set(codes) - {"unmapped"}


LADDER = [
    # status                                                          rung
    ("Offered and Accepted (CYP not present/refused on arrival)", "accepted_not_held"),
    ("Offered and Declined (by YP)", "declined"),
    ("Not Offered (Missing Again)", "not_offered_missing_again"),
    ("Not Offered (Unable to make contact)", "not_offered_no_contact"),
    ("Not Offered (Other)", "not_offered_other"),
    ("Pending", "offered_pending"),
    ("Scheduled", "offered_pending"),
    ("Completed", "completed"),
    ("completed_late", "completed"),
    ("Refused", "declined"),
    ("not_conducted", "not_offered_other"),
    ("Joint RHI", "covered_by_other"),
    ("Completed - partial", "completed_partial"),
    ("Still missing", "not_due"),
    ("Not required", "not_required"),
    ("N/A", "not_required"),
    ("see the file", None),
]


class TestLadder:
    """What a status, and the columns "offered" and "accepted", mean together."""

    TRACKER = next(t for t in read_profile("rhi_tracker").tables if t.values.get("status"))

    @pytest.mark.parametrize(("worded", "rung"), LADDER)
    def test_every_wording_seen_stands_on_a_rung(self, worded: str, rung: str | None) -> None:
        assert values.code_parser(self.TRACKER.codes("status"))(worded)[0] == rung

    @pytest.mark.parametrize(
        ("offered", "accepted", "rung"),
        [
            ("yes", "yes", "completed"),
            ("yes", "no", "declined"),
            ("yes", None, "offered_pending"),
            ("yes", "not_applicable", "offered_pending"),
            ("no", None, "not_offered_other"),
            ("no", "not_applicable", "not_offered_other"),
            ("not_applicable", None, "not_required"),
            (None, "yes", "completed"),
            ("no", "yes", "unknown"),
            (None, "no", "unknown"),
            (None, None, "unknown"),
            # the wording of a rung says more than a yes
            ("yes", "declined", "declined"),
            (None, "declined", "declined"),
            ("no", "declined", "unknown"),
            ("no", "not_offered_missing_again", "not_offered_missing_again"),
            ("not_applicable", "not_required", "not_required"),
            ("accepted_not_held", "yes", "accepted_not_held"),
            ("accepted_not_held", "no", "accepted_not_held"),
            ("accepted_not_held", None, "accepted_not_held"),
            ("declined", "declined", "declined"),
            ("declined", "yes", "unknown"),
            ("declined", "no", "declined"),
            ("not_offered_no_contact", "no", "not_offered_no_contact"),
            ("not_offered_no_contact", "yes", "unknown"),
            ("completed", "accepted_not_held", "accepted_not_held"),
            ("completed", "declined", "unknown"),
            ("completed", "no", "unknown"),
            ("covered_by_other", "yes", "covered_by_other"),
            ("offered_pending", "no", "declined"),
            ("offered_pending", None, "offered_pending"),
            (None, "offered_pending", "offered_pending"),
            ("no", "offered_pending", "not_offered_other"),
        ],
    )
    def test_offered_and_accepted_give_a_rung(self, offered: str | None, accepted: str | None, rung: str) -> None:
        assert rung_of(None, offered, accepted) == rung
        assert rung_of("unknown", offered, accepted) == rung
        assert rung_of("covered_by_other", offered, accepted) == "covered_by_other"
        assert rungs(*(pd.array([v] * 2, dtype=schema.TEXT) for v in (None, offered, accepted))).tolist() == [rung] * 2

    def test_a_status_that_only_says_offered_is_held_against_what_was_accepted(self) -> None:
        assert rung_of("offered_pending", None, "no") == "declined"
        assert rung_of("offered_pending", "yes", None) == "offered_pending"
        assert rung_of("offered_pending", "declined", None) == "declined"

    def test_declined_in_the_column_of_what_was_accepted_is_never_accepted(self) -> None:
        parse = answer_parser(self.TRACKER.codes("rhi_accepted"), self.TRACKER.codes("status"))
        read = parse("Offered and Declined (by YP)")[0]
        assert rung_of(None, "yes", read) == rung_of(None, None, read) == "declined"

    @pytest.mark.parametrize(
        ("cell", "read"),
        [
            *[
                (c, "yes")
                for c in ("Y", "Yes", "TRUE", "T", "1", 1, 1.0, True, "\u2713", "x", "Yes - offered", "a) Yes")
            ],
            *[(c, "no") for c in ("N", "No", "0", False, "b) No")],
            *[(c, "not_applicable") for c in ("NA", "N/A", "Not applicable")],
            *[(c, None) for c in ("", None, "NULL", "Unknown", "c) Unknown", "perhaps")],
        ],
    )
    def test_answers_are_read_in_their_usual_wordings(self, cell: object, read: str | None) -> None:
        parse = answer_parser(self.TRACKER.codes("rhi_offered"), self.TRACKER.codes("status"))
        value, fault, _ = parse(cell)  # type: ignore[arg-type]
        assert (value, fault) == (read, "flag_unreadable" if cell == "perhaps" else "")

    def test_a_wording_of_a_council_s_own_is_an_answer(self) -> None:
        assert answer_parser({fold("sent letter"): "yes"}, {})("Sent letter")[0] == "yes"

    def test_every_rung_can_be_reached(self) -> None:
        assert {rung for _, rung in LADDER if rung} == set(schema.STATUSES) - {"unknown"}


@pytest.mark.parametrize(
    ("cell", "is_test"),
    [("TEST", True), ("test 01", True), ("DUMMY1", True), ("ZZTEST", True), ("DonaldDuck7", True),
     ("C-mickey.mouse", True), ("TESTER", False), ("T3ST", False), ("C123", False), (123, False), (None, False)],
)  # fmt: skip
def test_ids_of_test_records(cell: object, is_test: bool) -> None:
    assert read_marks().is_id(cell) is is_test  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "is_test"),
    [("Donald Duck", True), ("DUCK, Donald", True), ("Test", True), ("test child", True), ("Donald", False),
     ("Jo Test-Smith", False), ("", False)],
)  # fmt: skip
def test_names_of_test_records(cell: object, is_test: bool) -> None:
    assert read_marks().is_name(cell) is is_test  # type: ignore[arg-type]
    assert repr(read_marks()).startswith("Marks: ")


def test_postcodes_that_are_none() -> None:
    good = ["E6 2RP", "SW1A 1AA", "m1 1ae", "GIR 0AA", "E6", "E6 2"]
    bad = ["ZZ99 3VZ", "zz993cz", "NFA", "no fixed abode", "12345", "E6 2RPX", "", None]
    assert [is_postcode(c) for c in (*good, *bad)] == [True] * 6 + [False] * 8


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
