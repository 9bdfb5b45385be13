"""How soon again: the three estimators, on tables small enough to follow with a pencil, and against a plain twin."""

from __future__ import annotations

from fractions import Fraction
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, recurrence
from missing_patterns.recurrence.common import tie_times


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), sep=r"\s+")


GAPS = table("""
    child_id episode_no gap_days event home
    ann      1           3.0     1     oak
    ann      2           5.0     1     oak
    ann      3          40.0     0     oak
    bob      1          60.0     0     elm
    cat      1          20.0     1     elm
    dan      1          90.0     0     elm
""")


def shares(gaps: pd.DataFrame, method: recurrence.Method, days: list[float]) -> list[float]:
    return [round(x, 6) for x in recurrence.gap_curve(gaps, method=method).at(days)["share_again"]]


def many(n_children: int, seed: int = 3) -> pd.DataFrame:
    """Return made-up gaps of children of whom some go often."""
    rng = np.random.default_rng(seed)
    rows = []
    for child in range(n_children):
        left, rate, no = 100.0, rng.gamma(0.7, 0.04), 1
        while (gap := rng.exponential(1 / rate)) < left:
            rows.append((f"k{child}", no, gap, 1))
            left, no = left - gap, no + 1
        rows.append((f"k{child}", no, left, 0))
    return pd.DataFrame(rows, columns=["child_id", "episode_no", "gap_days", "event"])


def test_per_child_every_child_counts_once() -> None:
    # ann's unfinished gap is left out and her two finished ones weigh a half each: 1/2 of 4 at day 3,
    # then 1/2 of 3.5 at day 5 (S = 3/4), then cat is 1 of the 3 left at day 20.
    assert shares(GAPS, "per_child", [2.9, 3, 5, 20, 60]) == [0.0, 0.125, 0.25, 0.5, 0.5]


def test_pooled_every_gap_counts() -> None:
    # 1 of 6 at day 3, 1 of 5 at day 5, 1 of 4 at day 20
    assert shares(GAPS, "pooled", [3, 5, 20]) == [round(1 / 6, 6), round(1 - 5 / 6 * 4 / 5, 6), 0.5]


def test_first_uses_the_first_gap_of_each_child() -> None:
    assert shares(GAPS, "first", [3, 5, 20]) == [0.25, 0.25, 0.5]


def test_a_child_whose_first_gap_is_of_unknown_length_is_left_out_of_first() -> None:
    gaps = GAPS.assign(gap_days=GAPS["gap_days"].where(GAPS.index != 0))
    curve = recurrence.gap_curve(gaps, method="first")
    assert curve.groups[["n_children", "n_gaps", "n_not_recorded", "n_not_used"]].to_numpy().tolist() == [[3, 3, 1, 2]]
    assert "1 gap of unknown length had to be left out" in curve.explain()


def test_what_each_method_leaves_out_is_counted() -> None:
    used = {m: recurrence.gap_curve(GAPS, method=m).groups.iloc[0] for m in ("per_child", "pooled", "first")}
    assert [(m, int(row["n_gaps"]), int(row["n_complete"]), int(row["n_not_used"])) for m, row in used.items()] == [
        ("per_child", 5, 3, 1),
        ("pooled", 6, 3, 0),
        ("first", 4, 2, 2),
    ]


def test_table_says_who_is_still_followed() -> None:
    found = recurrence.gap_curve(GAPS, method="pooled").table
    columns = ["days", "at_risk", "events", "n_children_at_risk", "n_children_again"]
    assert found[columns].to_numpy().tolist() == [
        [3.0, 6, 1, 4, 1],
        [5.0, 5, 1, 4, 1],  # ann again: still one child
        [20.0, 4, 1, 4, 2],
        [40.0, 3, 0, 3, 2],
        [60.0, 2, 0, 2, 2],
        [90.0, 1, 0, 1, 2],
    ]


def test_at_gives_nothing_beyond_the_longest_gap_followed() -> None:
    read = recurrence.gap_curve(GAPS).at([0, 90, 91])
    assert read["share_again"].isna().tolist() == [False, False, True]
    assert read["n_children_at_risk"].tolist() == [4, 1, 0]
    assert read["n_children_again"].tolist() == [0, 2, 2]


def test_at_goes_on_when_all_have_gone_again() -> None:
    gone = GAPS[GAPS["event"] == 1]
    assert recurrence.gap_curve(gone).at([365])["share_again"].tolist() == [1.0]


def test_one_curve_per_group_and_blanks_are_a_group() -> None:
    gaps = GAPS.assign(home=GAPS["home"].where(GAPS["child_id"] != "dan"))
    curve = recurrence.gap_curve(gaps, method="pooled", by="home")
    assert curve.at([28])[["home", "share_again"]].to_numpy().tolist() == [
        ["elm", 0.5],
        ["oak", 2 / 3],
        ["not recorded", 0.0],
    ]
    assert curve.groups["n_gaps"].tolist() == [2, 3, 1]
    assert repr(curve) == "GapCurve (pooled): 6 gaps, 3 of them complete, in 3 groups"


def test_a_group_without_any_known_gap_is_still_there() -> None:
    gaps = GAPS.assign(gap_days=GAPS["gap_days"].where(GAPS["home"] == "oak"))
    curve = recurrence.gap_curve(gaps, by="home")
    assert curve.at([7])[["home", "share_again"]].round(2).to_numpy(dtype=object).tolist()[1] == ["oak", 1.0]
    assert curve.at([7])["share_again"].isna().tolist() == [True, False]
    assert curve.groups["n_not_recorded"].tolist() == [3, 0]
    assert recurrence.gap_curve(GAPS.iloc[:0], by="home").table.empty


def test_a_groups_figures_do_not_depend_on_other_groups() -> None:
    gaps = pd.concat([many(40).assign(g="a"), many(30, seed=5).assign(g="b")], ignore_index=True)
    both = recurrence.gap_curve(gaps, by="g").table.query("g == 'b'").drop(columns="g").reset_index(drop=True)
    alone = recurrence.gap_curve(gaps[gaps["g"] == "b"]).table
    pd.testing.assert_frame_equal(both, alone)


def test_a_gap_of_length_nought_is_kept_and_said() -> None:
    gaps = pd.concat([GAPS, table("child_id episode_no gap_days event home\n eve 1 0 1 elm\n eve 2 9 0 elm")])
    curve = recurrence.gap_curve(gaps, method="first")
    assert curve.at([0])["share_again"].round(6).tolist() == [0.2]
    assert "1 gap of length nought" in curve.explain()


def test_times_that_differ_by_rounding_are_tied() -> None:
    gaps = table("child_id gap_days event\n a 0.3 1\n b 0.3 0\n c 0.9 0").assign(gap_days=[0.1 + 0.2, 0.3, 0.9])
    assert recurrence.gap_curve(gaps).table["at_risk"].tolist() == [3, 1]


def test_ties_are_absolute_near_nought_and_relative_far_from_it() -> None:
    tied = [tie_times(np.array(x))[0].tolist() for x in ([5.0], [0.0, 1e-9], [1e9, 1e9 + 1], [1.0, 1.0 + 1e-7])]
    assert tied == [[5.0], [0.0, 0.0], [1e9, 1e9], [1.0, 1.0 + 1e-7]]


def test_no_gaps_give_an_empty_table() -> None:
    for method in ("per_child", "pooled", "first"):
        curve = recurrence.gap_curve(GAPS.iloc[:0], method=method)
        assert curve.table.empty
        assert curve.at([7])["share_again"].isna().tolist() == [True]
        assert curve.at([7])["n_children_at_risk"].tolist() == [0]


def test_few_children_have_no_bootstrap_interval_and_more_have_one() -> None:
    assert recurrence.gap_curve(many(9)).table[["lower", "upper"]].isna().all(axis=None)
    assert recurrence.gap_curve(many(40), n_boot=1).table["lower"].isna().all()
    row = recurrence.gap_curve(many(40)).at([28]).iloc[0]
    assert 0 < row["lower"] < row["share_again"] < row["upper"] < 1


def test_bootstrap_of_one_gap_per_child_is_greenwoods_interval_but_for_chance() -> None:
    firsts = many(400).drop_duplicates("child_id")
    green = recurrence.gap_curve(firsts, method="first").at([28]).iloc[0]
    drawn = recurrence.gap_curve(firsts, method="per_child", n_boot=2000).at([28]).iloc[0]
    assert drawn["share_again"] == green["share_again"]
    assert drawn["upper"] - drawn["lower"] == pytest.approx(green["upper"] - green["lower"], rel=0.08)


def test_interval_of_pooled_gaps_is_wider_than_if_gaps_were_children() -> None:
    gaps = many(200)
    apart = gaps.assign(child_id=range(len(gaps)))
    wide, narrow = (recurrence.gap_curve(g, method="pooled").at([28]).iloc[0] for g in (gaps, apart))
    assert wide["share_again"] == narrow["share_again"]
    assert (wide["upper"] - wide["lower"]) > 1.3 * (narrow["upper"] - narrow["lower"])


def test_row_order_and_ids_do_not_matter_and_the_input_is_not_modified() -> None:
    gaps = many(30)
    before = gaps.copy(deep=True)
    names = {c: f"x{n}" for n, c in enumerate(reversed(gaps["child_id"].unique().tolist()))}
    shuffled = gaps.sample(frac=1, random_state=1).assign(child_id=lambda f: f["child_id"].map(names))
    shuffled.index = shuffled.index + 100
    for method in ("per_child", "pooled", "first"):
        one, other = (recurrence.gap_curve(g, method=method).table for g in (gaps, shuffled))
        pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(gaps, before)


def test_the_seed_decides() -> None:
    gaps = many(30)
    one, same, other = (recurrence.gap_curve(gaps, random_state=s).at([28])["lower"].tolist() for s in (0, 0, 1))
    assert one == same != other


def test_plot_starts_at_nought_and_draws_one_line_per_group() -> None:
    axes = recurrence.gap_curve(GAPS, by="home").plot()
    assert [line.get_xydata()[0].tolist() for line in axes.lines] == [[0.0, 0.0], [0.0, 0.0]]
    assert axes.get_ylabel() == "Share gone missing again"
    assert recurrence.gap_curve(GAPS).plot(axes) is axes


def test_explain_names_the_question_and_the_caveat() -> None:
    said = {m: recurrence.gap_curve(GAPS, method=m).explain() for m in ("per_child", "pooled", "first")}
    assert "Every child counts once" in said["per_child"]
    assert "no trend with age" in said["per_child"]
    assert "a few children with many episodes dominate" in said["pooled"]
    assert "Later repeats are left out" in said["first"]
    assert "6 gaps after a return, 3 of which ended in another episode" in said["pooled"]
    summary = recurrence.gap_curve(GAPS).summary()
    assert summary["days"].tolist() == [7.0, 28.0, 90.0, 365.0]
    assert all(name not in said["pooled"] for name in GAPS["child_id"])
    assert "in 2 groups" in repr(recurrence.gap_curve(GAPS, by="home"))
    assert "6 gaps" in recurrence.gap_curve(GAPS, method="pooled", by="home").explain()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gap_days": -1.0}, "negative or infinite at positions 0, 1, 2, 3, 4 and 1 more"),
        ({"gap_days": np.inf}, "negative or infinite"),
        ({"event": 2}, "other than 0 and 1"),
        ({"episode_no": None}, "'episode_no' is blank"),
    ],
)
def test_gaps_that_cannot_be_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(errors.TableRefused, match=message):
        recurrence.gap_curve(GAPS.assign(**change), method="first")


def test_arguments_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(errors.TableRefused, match=r"'gap_days' is absent. Did you mean 'gapdays'"):
        recurrence.gap_curve(GAPS.rename(columns={"gap_days": "gapdays"}))
    with pytest.raises(errors.ArgumentRefused, match="Did you mean 'pooled'"):
        recurrence.gap_curve(GAPS, method="poold")  # type: ignore[arg-type]
    with pytest.raises(errors.ArgumentRefused, match="no column 'hom' to group by. Did you mean 'home'"):
        recurrence.gap_curve(GAPS, by="hom")
    with pytest.raises(errors.ArgumentRefused, match="random_state"):
        recurrence.gap_curve(GAPS, random_state=-1)
    with pytest.raises(errors.ArgumentRefused, match="n_boot"):
        recurrence.gap_curve(GAPS, n_boot=2.5)  # type: ignore[arg-type]
    with pytest.raises(errors.ArgumentRefused, match="at least 0"):
        recurrence.gap_curve(GAPS).at([-7])


def plain_twin(rows: list[tuple[int, int, bool]], method: str) -> dict[int, Fraction]:
    """Estimate the share gone again by each day on which a gap ends, in exact fractions, child by child."""
    by_child: dict[int, list[tuple[int, bool]]] = {}
    for child, days, ended in rows:
        by_child.setdefault(child, []).append((days, ended))
    weighed: list[tuple[int, bool, Fraction]] = []
    for gaps in by_child.values():
        kept = gaps
        if method == "first":
            kept = gaps[:1]
        if method == "per_child" and any(ended for _, ended in gaps):
            kept = [gap for gap in gaps if gap[1]]
        share = Fraction(1, len(kept)) if method == "per_child" else Fraction(1)
        weighed += [(days, ended, share) for days, ended in kept]
    staying, found = Fraction(1), {}
    for day in sorted({days for days, ended, _ in weighed if ended}):
        gone = sum((w for days, ended, w in weighed if ended and days == day), Fraction(0))
        at_risk = sum((w for days, _, w in weighed if days >= day), Fraction(0))
        staying *= 1 - gone / at_risk
        found[day] = 1 - staying
    return found


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12), st.booleans()), min_size=1, max_size=25),
    st.sampled_from(["per_child", "pooled", "first"]),
)
def test_curve_is_that_of_a_plain_twin(rows: list[tuple[int, int, bool]], method: recurrence.Method) -> None:
    gaps = pd.DataFrame(rows, columns=["child_id", "gap_days", "event"]).astype({"gap_days": float, "event": int})
    gaps["episode_no"] = gaps.groupby("child_id").cumcount() + 1
    found = recurrence.gap_curve(gaps, method=method, n_boot=0).table
    found = found[found["events"] > 0]
    expected = plain_twin(rows, method)
    assert found["days"].tolist() == list(expected)
    np.testing.assert_allclose(found["share_again"], [float(x) for x in expected.values()], rtol=0, atol=1e-12)


def test_three_questions_side_by_side_are_the_three_curves() -> None:
    curves = recurrence.gap_curves(GAPS)
    assert repr(curves) == "GapCurves: 6 gaps after a return of 4 children in 1 group, asked in three ways"
    read = curves.at([7, 28])
    assert read["method"].tolist() == ["per_child", "pooled", "first"] * 2
    assert read["days"].tolist() == [7.0] * 3 + [28.0] * 3
    for method in ("per_child", "pooled", "first"):
        alone = recurrence.gap_curve(GAPS, method=method).at([7, 28])
        mine = read[read["method"] == method].drop(columns=["method", "asked"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone)
    assert curves.spread([7])[["lowest", "highest", "ratio"]].round(4).to_numpy().tolist() == [[0.25, 0.3333, 1.3333]]
    assert curves.spread([0])["ratio"].isna().tolist() == [True]
    assert curves.summary()["days"].tolist() == [7.0] * 3 + [28.0] * 3 + [90.0] * 3 + [365.0] * 3


def test_three_questions_by_group_and_in_words() -> None:
    curves = recurrence.gap_curves(GAPS, by="home")
    assert curves.at([28])[["home", "method"]].to_numpy().tolist() == [
        [home, method] for home in ("elm", "oak") for method in ("per_child", "pooled", "first")
    ]
    assert "up to 1.5 times the lowest of its group" in curves.explain()
    said = recurrence.gap_curves(GAPS).explain()
    assert "Within 28 days: per child 50%, per episode 50%, after the first return 50%; the highest is 1.0" in said
    for words in ("Every child counts once", "picked at random", "After a child's first return on file"):
        assert words in said
    odd = pd.concat([GAPS, table("child_id episode_no gap_days event home\n eve 1 0 1 elm\n eve 2 nan 0 elm")])
    assert "1 gap of length nought" in recurrence.gap_curves(odd).explain()
    assert "1 gap of unknown length" in recurrence.gap_curves(odd).explain()
    short = GAPS.iloc[:0]
    assert "Within 28" not in recurrence.gap_curves(short).explain()


def test_three_questions_in_one_picture() -> None:
    axes = recurrence.gap_curves(GAPS).plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "per child",
        "per episode",
        "after the first return",
    ]
    assert len(recurrence.gap_curves(GAPS, by="home").plot().lines) == 6


def test_joining_very_many_lengths_changes_the_error_by_less_than_chance_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from missing_patterns.recurrence.curves import product_limit

    gaps = many(3_000)
    days = [2, 10, 28, 60, 90]
    exact = recurrence.gap_curve(gaps, method="pooled", n_boot=60).at(days)
    monkeypatch.setattr(product_limit, "MOST_STEPS", 100)
    joined = recurrence.gap_curve(gaps, method="pooled", n_boot=60).at(days)
    assert (exact["share_again"] == joined["share_again"]).all()
    width = exact["upper"] - exact["lower"]
    np.testing.assert_allclose((joined["upper"] - joined["lower"]) / width, 1, atol=5e-3)
    assert not (exact["upper"] == joined["upper"]).all()  # they were joined


def test_bootstrap_is_that_of_a_plain_twin_with_the_same_draws_in_any_row_order() -> None:
    from missing_patterns.recurrence.curves.product_limit import bootstrap_error, product_limit

    rng = np.random.default_rng(2)
    child = rng.permutation(np.append(np.arange(15), rng.integers(0, 15, 30)))
    step, event, weight = rng.integers(0, 8, 45), rng.random(45) < 0.6, rng.random(45)
    estimate = product_limit(step, event, weight, 8)
    draws = np.random.default_rng(5)
    resampled = []
    for _ in range(70):
        times_drawn = np.bincount(draws.integers(0, 15, 15), minlength=15)
        resampled.append(product_limit(step, event, weight * times_drawn[child], 8))
    there = estimate > 0
    expected = np.std(resampled, axis=0, ddof=1)[there] / estimate[there]
    found = bootstrap_error(child, step, event, weight, estimate, (5, 70))
    np.testing.assert_allclose(found[there], expected, rtol=1e-9)
