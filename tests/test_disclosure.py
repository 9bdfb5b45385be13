"""What may be printed: small counts of children, what derives from them, and what would give them away."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import disclosure
from missing_patterns.disclosure import ReleaseTable, Treated, suppress_tables
from missing_patterns.errors import ArgumentRefused, DisclosureRefused, SettingsRefused
from missing_patterns.settings import defaults


def table(text: str) -> pd.DataFrame:
    """A literal table; figures are numbers, words are words."""
    lines = [line.split() for line in text.strip().splitlines()]
    frame = pd.DataFrame(lines[1:], columns=lines[0]).astype(object)
    for column in frame.columns:
        if not any(word.isalpha() for word in frame[column].str[0]):
            frame[column] = pd.to_numeric(frame[column])
    return frame


def treat(release: ReleaseTable, threshold: int = 5) -> pd.DataFrame:
    return suppress_tables([release], threshold=threshold)[release.name]


def cells(release: ReleaseTable, column: str, threshold: int = 5) -> list[object]:
    return treat(release, threshold)[column].tolist()


# --- what is small by itself -----------------------------------------------------------------------------------

MONTHS = table("""
    month    n_children n_episodes median_hours
    aug      0          0          0
    sep      4          30         7.5
    oct      5          5          6.25
""")
BY_MONTH = ReleaseTable("by_month", MONTHS, "n_children", derived=("n_episodes", "median_hours"), by=("month",))


def test_a_small_count_of_children_is_withheld_with_all_that_derives_from_it_however_many_episodes() -> None:
    out = treat(BY_MONTH)
    assert out["n_children"].tolist() == [0, "c", 5]
    assert out["n_episodes"].tolist() == [0, "c", 5]
    assert out["median_hours"].tolist() == [0, "c", 6.25]
    assert out["month"].tolist() == ["aug", "sep", "oct"]


def test_the_threshold_decides() -> None:
    assert cells(BY_MONTH, "n_children", 4) == [0, 4, 5]
    assert cells(BY_MONTH, "n_children", 6) == [0, "c", "c"]


def test_a_table_with_no_small_count_is_released_whole_and_its_columns_stay_numbers() -> None:
    frame = MONTHS.assign(n_children=[0, 40, 5])
    out = treat(ReleaseTable("m", frame, "n_children", ("n_episodes", "median_hours"), by=("month",)))
    pd.testing.assert_frame_equal(out, frame)


def test_the_input_is_not_modified_and_the_output_is_a_copy() -> None:
    before = MONTHS.copy()
    out = treat(BY_MONTH)
    out.loc[2, "n_children"] = 99
    pd.testing.assert_frame_equal(before, MONTHS)
    assert BY_MONTH.frame["n_children"].tolist() == [0, 4, 5]


def test_an_empty_table_passes() -> None:
    out = treat(ReleaseTable("none", MONTHS.iloc[:0], "n_children", ("n_episodes", "median_hours"), by=("month",)))
    assert out.empty
    assert out.columns.tolist() == MONTHS.columns.tolist()


def test_a_whole_table_of_small_counts_is_all_c() -> None:
    frame = table("""
        month n_children
        sep   1
        oct   2
    """)
    assert cells(ReleaseTable("m", frame, "n_children", by=("month",)), "n_children") == ["c", "c"]


def test_nullable_counts_are_counts() -> None:
    frame = MONTHS.astype({"n_children": "Int64", "n_episodes": "Int64"})
    out = treat(ReleaseTable("m", frame, "n_children", ("n_episodes", "median_hours"), by=("month",)))
    assert out["n_episodes"].tolist() == [0, "c", 5]


# --- what a whole gives away -------------------------------------------------------------------------------------

TRIGGERS = table("""
    trigger  n_with n_known share
    home     14     38      0.37
    school   36     38      0.95
    friends  38     38      1.0
    none     0      38      0.0
    gangs    2      38      0.05
""")


def test_the_complement_of_a_share_is_protected_but_all_and_none_are_not_small() -> None:
    release = ReleaseTable("t", TRIGGERS, "n_with", derived=("share",), by=("trigger",), of="n_known")
    out = treat(release)
    assert out["n_with"].tolist() == [14, "c", 38, 0, "c"]
    assert out["share"].tolist() == [0.37, "c", 1.0, 0.0, "c"]
    assert out["n_known"].tolist() == [38] * 5


def test_where_the_whole_is_small_all_figures_of_the_row_are_withheld_also_a_nought() -> None:
    frame = table("""
        setting n_held n_due share
        care    9      20    0.45
        school  0      3     0.0
    """)
    out = treat(ReleaseTable("s", frame, "n_held", ("share",), by=("setting",), of="n_due"))
    assert out.iloc[1].tolist() == ["school", "c", "c", "c"]
    assert out.iloc[0].tolist() == ["care", 9, 20, 0.45]


NEW = table("""
    month n_children n_new share_new
    aug   30         12    0.4
    sep   30         2     0.07
    oct   30         27    0.9
    nov   3          0     0.0
""")


def test_a_part_is_withheld_with_its_own_figures_only_and_its_complement_counts() -> None:
    out = treat(ReleaseTable("n", NEW, "n_children", by=("month",), parts={"n_new": ("share_new",)}))
    assert out["n_children"].tolist() == [30, 30, 30, "c"]
    assert out["n_new"].tolist() == [12, "c", "c", "c"]
    assert out["share_new"].tolist() == [0.4, "c", "c", "c"]


LADDER = table("""
    rung     n_children n_episodes
    returned 40         92
    due      39         88
    offered  37         66
    accepted 28         45
    held     27         43
    in_72h   4          4
""")


def test_a_rung_too_close_to_the_last_shown_one_is_withheld() -> None:
    release = ReleaseTable("l", LADDER, "n_children", ("n_episodes",), by=("rung",), nested=True)
    # 40 - 39 and 40 - 37 are small; 40 - 28 is not; 28 - 27 is; 4 is small itself.
    assert cells(release, "n_children") == [40, "c", "c", 28, "c", "c"]
    assert cells(release, "n_episodes") == [92, "c", "c", 45, "c", "c"]


def test_rungs_of_the_same_children_are_shown() -> None:
    frame = LADDER.assign(n_children=[40, 40, 30, 30, 20, 0])
    release = ReleaseTable("l", frame, "n_children", ("n_episodes",), by=("rung",), nested=True)
    assert cells(release, "n_children") == [40, 40, 30, 30, 20, 0]


# --- what sums give away -----------------------------------------------------------------------------------------


def bands(*children: int) -> ReleaseTable:
    names = [f"band_{i}" for i in range(len(children))] + ["All"]
    frame = pd.DataFrame({"band": names, "n_children": [*children, sum(children)]})
    return ReleaseTable("bands", frame, "n_children", by=("band",), total="All", additive=True)


def test_one_small_band_takes_the_next_smallest_with_it() -> None:
    assert cells(bands(84, 31, 27, 3), "n_children") == [84, 31, "c", "c", 145]


def test_two_small_bands_that_together_are_small_take_a_third() -> None:
    assert cells(bands(84, 31, 2, 2), "n_children") == [84, "c", "c", "c", 119]


def test_a_nought_cannot_hide_anything_and_stays() -> None:
    assert cells(bands(84, 0, 0, 3), "n_children") == ["c", 0, 0, "c", 87]


def test_two_bands_whose_sum_shows_that_both_are_small_are_not_enough() -> None:
    # 2 + 3 = 5: somebody who sees "c", "c" and 5 knows that both lie from 1 to 4.
    assert cells(bands(2, 3), "n_children") == ["c", "c", "c"]


def test_a_multi_select_table_does_not_add_up_and_hides_only_what_is_small() -> None:
    frame = table("""
        trigger n_with
        home    14
        gangs   3
        All     15
    """)
    assert cells(ReleaseTable("t", frame, "n_with", by=("trigger",), total="All"), "n_with") == [14, "c", 15]


def test_a_table_that_adds_up_is_protected_even_if_nobody_said_so() -> None:
    release = bands(84, 31, 27, 3)
    silent = ReleaseTable("bands", release.frame, "n_children", by=("band",), total="All")
    assert cells(silent, "n_children") == [84, 31, "c", "c", 145]


def calendar() -> ReleaseTable:
    """Episodes add up over hours and days; children, who go more than once, do not."""
    children = {"Fri": (9, 3), "Sat": (12, 11), "Sun": (8, 14)}
    episodes = {"Fri": (11, 9), "Sat": (15, 20), "Sun": (9, 25)}
    rows = [(d, h, children[d][k], episodes[d][k]) for d in children for k, h in enumerate(("day", "night"))]
    rows += [(d, "All", max(children[d]) + 2, sum(episodes[d])) for d in children]
    rows += [
        ("All", h, 3 + max(c[k] for c in children.values()), sum(e[k] for e in episodes.values()))
        for k, h in enumerate(("day", "night"))
    ]
    rows.append(("All", "All", 20, sum(sum(e) for e in episodes.values())))
    frame = pd.DataFrame(rows, columns=["day", "hours", "n_children", "n_episodes"])
    return ReleaseTable("calendar", frame, "n_children", ("n_episodes",), "All", ("day", "hours"), additive=True)


def test_a_two_way_table_where_only_episodes_add_up() -> None:
    treated = suppress_tables([calendar()])
    out = treated["calendar"].set_index(["day", "hours"])["n_episodes"].unstack()
    assert out.loc["Fri", "night"] == "c"
    hidden = (out == "c").loc[["Fri", "Sat", "Sun"], ["day", "night"]]
    # A lone hidden cell in a row or column would follow by subtraction.
    assert hidden.sum(axis=0).isin([0, 2, 3]).all()
    assert hidden.sum(axis=1).isin([0, 2]).all()
    assert (out.loc["All"] != "c").all()
    assert treated.audit().empty


def test_a_part_that_adds_up_is_protected_by_its_own_sums() -> None:
    frame = table("""
        band n_children n_care share_care
        one  40         2      0.05
        two  30         12     0.4
        many 20         9      0.45
        All  90         23     0.26
    """)
    release = ReleaseTable(
        "b", frame, "n_children", by=("band",), total="All", additive=True, parts={"n_care": ("share_care",)}
    )
    out = treat(release)
    assert out["n_children"].tolist() == [40, 30, 20, 90]
    assert out["n_care"].tolist() == ["c", 12, "c", 23]
    assert out["share_care"].tolist() == ["c", 0.4, "c", 0.26]


def test_a_derived_part_and_a_whole_that_add_up_are_protected_too() -> None:
    frame = table("""
        setting n_held n_due n_held_episodes
        home    9      30    12
        care    7      3     8
        other   6      20    9
        All     22     53    29
    """).assign(n_due=[30, 3, 20, 53], n_held=[9, 2, 6, 17])
    release = ReleaseTable("s", frame, "n_held", ("n_held_episodes",), "All", ("setting",), additive=True, of="n_due")
    out = treat(release)
    assert out["n_due"].tolist() == [30, "c", "c", 53]
    assert out["n_held"].tolist() == [9, "c", "c", 17]
    assert out["n_held_episodes"].tolist() == [12, "c", "c", 29]
    assert suppress_tables([release]).audit().empty


def test_episodes_of_a_part_that_add_up() -> None:
    frame = table("""
        band n_children n_care care_episodes
        one  40         2      2
        two  30         12     30
        many 20         9      50
        All  90         20     82
    """)
    release = ReleaseTable(
        "b", frame, "n_children", by=("band",), total="All", additive=True, parts={"n_care": ("care_episodes",)}
    )
    # The children of the part are said to overlap here, its episodes add up.
    assert treat(release)["care_episodes"].tolist() == ["c", "c", 50, 82]


OUTCOMES = table("""
    rung        n_children n_returns
    due         39         88
    offered     39         85
    held        27         45
    in_time     22         27
    late        14         18
    declined    20         40
    not_offered 2          3
""")


def test_rungs_that_are_sums_of_outcomes_stand_in_one_table_with_them() -> None:
    # Children have returns of several outcomes, so no two rungs differ by few children; but 88 - 85 returns are of two.
    sums = ((0, (1, 6)), (1, (2, 5)), (2, (3, 4)))
    release = ReleaseTable("o", OUTCOMES, "n_children", ("n_returns",), by=("rung",), sums=sums, additive=True)
    treated = suppress_tables([release])
    # Not offered is 3 of 88 - 85: one of the two rungs must go with it.
    assert treated["o"]["n_returns"].tolist() == [88, "c", 45, 27, 18, "c", "c"]
    assert treated.audit().empty
    careless = OUTCOMES.astype(object)
    careless.loc[6, ["n_children", "n_returns"]] = "c"
    assert attacks(release, careless) == [(6, "n_returns", "exact")]


def test_totals_that_leave_no_room_are_refused() -> None:
    # The total of episodes is a shown nought over children who are there: no other table could give it.
    frame = table("""
        band n_children n_late
        one  3          0
        two  9          0
        All  0          0
    """)
    release = ReleaseTable("b", frame, "n_children", ("n_late",), "All", ("band",), additive=True)
    with pytest.raises(DisclosureRefused, match="'b' cannot be protected"):
        suppress_tables([release])


# --- cross-tables of children, as a plain DataFrame ---------------------------------------------------------------

WHERE = pd.DataFrame({"home": [14, 3, 20], "care": [9, 8, 25]}, index=["girls", "boys", "not_known"])


def test_a_plain_cross_table_gets_margins_and_is_protected() -> None:
    treated = suppress_tables({"where": WHERE}, profile="council", threshold=5, additive=True)
    out = treated.tables["where"]
    assert out.columns.tolist() == ["home", "care", "Total"]
    assert out["Total"].tolist() == [23, 11, 45, 79]
    assert out.loc["boys"].tolist() == ["c", "c", 11]
    assert out.loc["Total"].tolist() == [37, 42, 79]
    assert (out == "c").sum().sum() == 4
    assert treated.audit().empty


def test_a_plain_cross_table_that_does_not_add_up_has_no_margins() -> None:
    out = suppress_tables({"where": WHERE}, additive=False)["where"]
    assert out.values.tolist() == [[14, 9], ["c", 8], [20, 25]]


@pytest.mark.parametrize(
    "bad",
    [
        WHERE.rename(columns={"care": "Total"}),
        WHERE.rename(index={"boys": "girls"}),
        WHERE.assign(care=[9, None, 25]),
        WHERE.assign(care=[9, "some", 25]),
        WHERE - 4,
    ],
)
def test_a_plain_cross_table_that_is_not_one_is_refused(bad: pd.DataFrame) -> None:
    with pytest.raises(DisclosureRefused, match="'where' cannot be released"):
        suppress_tables({"where": bad})


# --- a slow plain twin: every table that fits the publication ------------------------------------------------------


def all_that_fit(printed: pd.DataFrame, most: int) -> np.ndarray:
    """Every interior of whole numbers from 0 to ``most`` that gives this publication; a hidden count is at least 1."""
    n_rows, n_columns = printed.shape[0] - 1, printed.shape[1] - 1
    grids = np.array(list(product(range(most + 1), repeat=n_rows * n_columns))).reshape(-1, n_rows, n_columns)
    grids = np.concatenate([grids, grids.sum(axis=2, keepdims=True)], axis=2)
    grids = np.concatenate([grids, grids.sum(axis=1, keepdims=True)], axis=1)
    fits = np.ones(len(grids), dtype=bool)
    for i, j in product(range(n_rows + 1), range(n_columns + 1)):
        cell = printed.iloc[i, j]
        fits &= grids[:, i, j] >= 1 if cell == "c" else grids[:, i, j] == cell
    return grids[fits]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 5), min_size=4, max_size=4), st.sampled_from([(2, 2), (1, 4), (4, 1)]))
def test_no_small_count_follows_from_what_is_printed(values: list[int], shape: tuple[int, int]) -> None:
    limit = 3
    frame = pd.DataFrame(np.array(values).reshape(shape))
    treated = suppress_tables({"t": frame}, threshold=limit)
    printed = treated["t"]
    fitting = all_that_fit(printed, 9)
    true = frame.copy()
    true["Total"] = true.sum(axis=1)
    true.loc["Total"] = true.sum(axis=0)
    for i, j in product(range(shape[0] + 1), range(shape[1] + 1)):
        if true.iloc[i, j] == 0:
            assert printed.iloc[i, j] == 0
        elif true.iloc[i, j] < limit:
            assert printed.iloc[i, j] == "c"
            assert fitting[:, i, j].max() >= limit
        elif printed.iloc[i, j] != "c":
            assert printed.iloc[i, j] == true.iloc[i, j]
    assert treated.audit().empty


@pytest.mark.parametrize("values", [[[1, 8], [2, 3]], [[7, 5], [3, 3], [2, 2]]])
def test_a_witness_vouches_only_for_the_cells_that_it_lifts_to_the_threshold(values: list[list[int]]) -> None:
    assert suppress_tables({"t": pd.DataFrame(values)}).audit().empty


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(2, 5))
def test_larger_tables_survive_the_attackers(seed: int, n_rows: int, n_columns: int) -> None:
    values = np.random.default_rng(seed).negative_binomial(0.7, 0.08, (n_rows, n_columns))
    treated = suppress_tables({"t": pd.DataFrame(values)})
    assert treated.audit().empty
    shown = treated["t"].iloc[:-1, :-1].to_numpy()
    assert all(s in ("c", v) for s, v in zip(shown.ravel(), values.ravel(), strict=True))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_an_unrelated_table_changes_nothing(seed: int) -> None:
    values = pd.DataFrame(np.random.default_rng(seed).poisson(6, (3, 3)))
    alone = suppress_tables({"t": values})["t"]
    beside = suppress_tables({"other": WHERE, "t": values})["t"]
    pd.testing.assert_frame_equal(alone, beside)


# --- the attackers -------------------------------------------------------------------------------------------------


def attacks(release: ReleaseTable, printed: pd.DataFrame) -> list[tuple[int, str, str]]:
    found = disclosure.audit_tables([release], {release.name: printed})
    return list(found[["row", "column", "attack"]].itertuples(index=False, name=None))


def test_the_audit_sees_what_stands_in_plain_sight() -> None:
    careless = MONTHS.astype(object)
    careless.loc[1, "n_children"] = "c"
    assert attacks(BY_MONTH, careless) == [(1, "n_episodes", "shown"), (1, "median_hours", "shown")]


def test_the_audit_subtracts_parts_from_wholes() -> None:
    release = ReleaseTable("t", TRIGGERS, "n_with", ("share",), by=("trigger",), of="n_known")
    careless = TRIGGERS.astype(object)
    careless.loc[4, ["n_with", "share"]] = "c"
    assert attacks(release, careless) == [(1, "n_with", "subtraction")]
    new = ReleaseTable("n", NEW, "n_children", by=("month",), parts={"n_new": ("share_new",)})
    careless = NEW.astype(object)
    careless.loc[1, ["n_new", "share_new"]] = "c"
    careless.loc[3, "n_children"] = "c"
    assert attacks(new, careless) == [(2, "n_new", "subtraction")]


def test_the_audit_subtracts_rungs() -> None:
    release = ReleaseTable("l", LADDER, "n_children", ("n_episodes",), by=("rung",), nested=True)
    careless = LADDER.astype(object)
    careless.loc[[1, 4, 5], ["n_children", "n_episodes"]] = "c"
    assert attacks(release, careless) == [(2, "n_children", "subtraction")]


def test_the_audit_does_the_sums() -> None:
    release = bands(84, 31, 27, 3)
    careless = release.frame.assign(n_children=[84, 31, 27, "c", 145])
    assert attacks(release, careless) == [(3, "n_children", "exact")]
    release = bands(84, 31, 2, 2)
    careless = release.frame.assign(n_children=[84, 31, "c", "c", 119])
    assert attacks(release, careless) == [(2, "n_children", "provable"), (3, "n_children", "provable")]


def test_the_audit_sees_a_bridge_in_a_two_way_table() -> None:
    release = calendar()
    careless = release.frame.astype(object)
    careless.loc[1, ["n_children", "n_episodes"]] = "c"
    assert attacks(release, careless) == [(1, "n_episodes", "exact")]


def test_the_audit_guards_counts_that_were_hidden_for_their_complement() -> None:
    frame = table("""
        setting n_held n_due
        home    9      30
        care    18     20
        All     27     50
    """)
    release = ReleaseTable("s", frame, "n_held", (), "All", ("setting",), additive=True, of="n_due")
    careless = frame.astype(object)
    careless.loc[1, "n_held"] = "c"
    assert attacks(release, careless) == [(1, "n_held", "exact")]
    assert suppress_tables([release]).audit().empty


def test_the_audit_guards_rungs_in_a_ladder_with_a_total() -> None:
    frame = table("""
        step n_children
        All  60
        due  40
        held 20
    """)
    # Not a real ladder, but what is declared is attacked as declared.
    frame["n_children"] = [40, 21, 19]
    release = ReleaseTable("l", frame, "n_children", by=("step",), total="All", nested=True)
    careless = frame.astype(object)
    careless.loc[2, "n_children"] = "c"
    assert attacks(release, careless) == [(2, "n_children", "exact")]


def test_a_hidden_row_of_noughts_loosens_what_the_attacker_may_assume() -> None:
    frame = table("""
        setting n_held n_due
        home    9      30
        care    0      3
        other   6      20
        All     15     53
    """)
    release = ReleaseTable("s", frame, "n_held", (), "All", ("setting",), additive=True, of="n_due")
    treated = suppress_tables([release])
    assert treated["s"]["n_held"].tolist()[1] == "c"
    assert treated.audit().empty


def test_a_table_of_its_total_row_alone_has_no_sums() -> None:
    frame = table("""
        band n_children
        All  3
    """)
    treated = suppress_tables([ReleaseTable("b", frame, "n_children", by=("band",), total="All")])
    assert treated["b"]["n_children"].tolist() == ["c"]
    assert treated.audit().empty


def test_the_audit_refuses_what_is_not_the_same_table() -> None:
    with pytest.raises(ArgumentRefused, match="'by_month' has not its rows"):
        disclosure.audit_tables([BY_MONTH], {})
    with pytest.raises(ArgumentRefused, match="'by_month' has not its rows"):
        disclosure.audit_tables([BY_MONTH], {"by_month": MONTHS.iloc[:2]})
    with pytest.raises(ArgumentRefused, match="'by_month' has not its rows"):
        disclosure.audit_tables([BY_MONTH], {"by_month": MONTHS[["month", "n_children"]]})


# --- the result ----------------------------------------------------------------------------------------------------


def test_the_log_says_why_without_any_figure() -> None:
    treated = suppress_tables([bands(84, 31, 27, 3)])
    assert treated.reasons.to_dict("records") == [
        {
            "table": "bands",
            "row": 2,
            "column": "n_children",
            "reason": "with its totals it would give a withheld count",
        },
        {"table": "bands", "row": 3, "column": "n_children", "reason": "fewer children than the threshold"},
    ]
    assert repr(treated) == "Treated(1 table, 2 cells withheld, threshold 5)"
    assert "1 fewer children than the threshold; 1 with its totals" in treated.explain()
    assert list(treated) == ["bands"]
    assert len(treated) == 1


def test_explain_says_when_nothing_was_withheld() -> None:
    assert "by reason: none" in suppress_tables([bands(84, 31)]).explain()


def test_require_safe_passes_what_is_safe_and_refuses_what_is_not() -> None:
    treated = suppress_tables([bands(84, 31, 27, 3)])
    assert treated.require_safe() is treated
    release = bands(84, 31, 27, 3)
    leaking = Treated({}, treated.reasons, 5, (release,), {"bands": release.frame})
    with pytest.raises(DisclosureRefused, match="by table:\n- bands: 1") as refused:
        leaking.require_safe()
    assert refused.value.exit_code == 4


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"children": "n_childen"}, "column 'n_childen' is not there. Did you mean 'n_children'"),
        ({"derived": ()}, "column 'n_episodes' is not declared"),
        ({"by": ("month", "n_episodes")}, "column 'n_episodes' is declared twice"),
        ({"additive": True}, "by or total does not say which rows add up"),
        ({"additive": True, "total": "sep"}, "no column of counts adds up to its totals"),
        ({"derived": ("median_hours",), "labels": ("n_episodes",)}, "column 'n_episodes' holds numbers"),
        ({"frame": MONTHS.assign(n_children=[1.5, 2, 3])}, "does not hold a whole number of children at position 0"),
        ({"frame": MONTHS.assign(n_children=[1, np.nan, 3])}, "does not hold a whole number of children at position 1"),
        ({"frame": MONTHS.assign(n_children=[1, 2, -3])}, "does not hold a whole number of children at position 2"),
        ({"frame": MONTHS.assign(month="sep")}, "two rows are the same cell at positions 1, 2"),
        ({"sums": ((2, (0, 3)),)}, "sums name a row that is not there"),
        ({"nested": True}, "counts rise at positions 1, 2"),
        ({"frame": pd.concat([MONTHS, MONTHS["month"]], axis=1)}, "two of its columns have the same name"),
    ],
)
def test_a_table_that_does_not_say_what_it_counts_is_refused(changes: dict[str, object], why: str) -> None:
    given = {
        "name": "by_month",
        "frame": MONTHS,
        "children": "n_children",
        "derived": ("n_episodes", "median_hours"),
        "by": ("month",),
    }
    with pytest.raises(DisclosureRefused) as refused:
        ReleaseTable(**(given | changes))  # type: ignore[arg-type]
    assert why in str(refused.value)


def test_a_part_larger_than_its_whole_is_refused() -> None:
    with pytest.raises(DisclosureRefused, match="'n_new' counts more children than 'n_children' at positions 0, 1"):
        ReleaseTable("n", NEW.assign(n_new=31), "n_children", by=("month",), parts={"n_new": ("share_new",)})
    with pytest.raises(DisclosureRefused, match="'n_with' counts more children than 'n_known' at position 2"):
        ReleaseTable("t", TRIGGERS.assign(n_known=37), "n_with", ("share",), by=("trigger",), of="n_known")


def test_words_may_stand_beside_the_figures() -> None:
    frame = TRIGGERS.assign(meaning="what was said")
    out = treat(ReleaseTable("t", frame, "n_with", ("share",), by=("trigger",), of="n_known", labels=("meaning",)))
    assert out["meaning"].tolist() == ["what was said"] * 5


def test_two_tables_of_one_name_are_refused() -> None:
    with pytest.raises(ArgumentRefused, match="same name"):
        suppress_tables([BY_MONTH, BY_MONTH])


@pytest.mark.parametrize("threshold", [1, 0, -5, 2.5, True])
def test_a_threshold_that_hides_nothing_is_refused(threshold: int) -> None:
    with pytest.raises(SettingsRefused, match="at least 2"):
        suppress_tables([BY_MONTH], threshold=threshold)


def test_an_unknown_profile_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsRefused, match="Did you mean 'council'"):
        suppress_tables([BY_MONTH], profile="counsil")


def test_the_profile_takes_its_threshold_from_the_settings() -> None:
    assert disclosure.threshold_of("council") == defaults()["threshold"]


def test_no_figure_or_label_is_in_a_refusal_or_repr() -> None:
    frame = MONTHS.assign(month=["canary", "canary", "x"], n_children=[77777, -1, 0.5])
    with pytest.raises(DisclosureRefused) as refused:
        ReleaseTable("m", frame, "n_children", ("n_episodes", "median_hours"), by=("month",))
    assert "canary" not in str(refused.value)
    assert "77777" not in str(refused.value)
    assert repr(BY_MONTH) == "ReleaseTable('by_month', 3 rows)"


# --- curves ----------------------------------------------------------------------------------------------------------

CURVE = table("""
    days at_risk events share_again lower  upper
    1    52      2      0.03846     0.0101 0.1413
    2    50      4      0.11538     0.0532 0.2366
    5    46      3      0.17308     0.0932 0.3021
    9    43      1      0.19231     0.1080 0.3226
    20   42      1      0.21154     0.1231 0.3428
    40   9       5      0.65000     0.4000 0.8500
""")


def test_a_curve_steps_only_when_enough_events_have_come_and_stops_when_few_are_followed() -> None:
    out = disclosure.treat_curve(CURVE, threshold=5, min_at_risk=10)
    # 2 + 4 events at day 2; 3 + 1 + 1 at day 20; at day 40 only 9 are followed.
    assert out.to_dict("list") == {
        "days": [0.0, 2.0, 20.0],
        "at_risk": [50, 50, 40],
        "share_again": [0.0, 0.12, 0.21],
        "lower": [0.0, 0.05, 0.12],
        "upper": [0.0, 0.24, 0.34],
    }


def test_a_step_at_which_just_enough_are_followed_is_shown() -> None:
    assert disclosure.treat_curve(CURVE, threshold=5, min_at_risk=9)["days"].tolist() == [0, 2, 20, 40]


def test_every_published_step_holds_at_least_the_threshold() -> None:
    for threshold in (2, 3, 5, 9):
        kept = disclosure.treat_curve(CURVE, threshold=threshold, min_at_risk=10)["days"].tolist()
        steps = [CURVE["events"][(CURVE["days"] > a) & (CURVE["days"] <= b)].sum() for a, b in zip(kept, kept[1:])]  # noqa: B905, RUF007
        assert steps
        assert min(steps) >= threshold


def test_curves_are_thinned_one_by_one_and_words_are_left_out() -> None:
    both = pd.concat([CURVE.assign(group="care"), CURVE.head(1).assign(group="home")]).assign(remark="x")
    out = disclosure.treat_curve(both, threshold=5, min_at_risk=10, by="group")
    assert out["group"].tolist() == ["care"] * 3
    assert "remark" not in out
    assert "events" not in out


@pytest.mark.parametrize("by", [None, "group"])
def test_a_curve_of_too_few_is_empty_but_has_its_columns(by: str | None) -> None:
    short = CURVE.head(1).assign(group="home")
    for curve in (short, short.iloc[:0]):
        out = disclosure.treat_curve(curve, threshold=5, min_at_risk=10, by=by)
        assert out.empty
        assert out.columns.tolist() == [*([by] if by else []), "days", "at_risk", "share_again", "lower", "upper"]


def test_curve_input_is_not_modified() -> None:
    before = CURVE.copy()
    disclosure.treat_curve(CURVE, threshold=5, min_at_risk=10)
    pd.testing.assert_frame_equal(before, CURVE)


def test_a_curve_that_cannot_be_thinned_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="no column 'days'"):
        disclosure.treat_curve(CURVE.rename(columns={"days": "time"}), threshold=5, min_at_risk=10)
    with pytest.raises(ArgumentRefused, match="not in order of time"):
        disclosure.treat_curve(CURVE.iloc[::-1], threshold=5, min_at_risk=10)
    with pytest.raises(SettingsRefused, match="at least 2"):
        disclosure.treat_curve(CURVE, threshold=1, min_at_risk=10)
