"""Kaplan-Meier, Nelson-Aalen and the log-rank test: by pencil, by plain twins, and how often chance is called."""

from __future__ import annotations

from fractions import Fraction
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, recurrence


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), sep=r"\s+")


SPELLS = table("""
    child_id start stop event home
    ann       0     4   1     oak
    bob       0    10   1     oak
    cat       5    12   0     elm
    dan       0    20   1     elm
""")


@st.composite
def followed(draw: st.DrawFn) -> pd.DataFrame:
    """Draw times followed in whole days, of few children whose rows may overlap, in two groups."""
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        start = draw(st.integers(0, 5))
        child = draw(st.integers(0, 3))
        stop = start + draw(st.integers(1, 6))
        rows.append((f"k{child}", start, stop, draw(st.integers(0, 1)), draw(st.sampled_from("ab"))))
    return pd.DataFrame(rows, columns=["child_id", "start", "stop", "event", "g"])


def share_and_hazard(rows: pd.DataFrame, weight: dict[str, float]) -> tuple[list[float], list[float]]:
    """Return the share not yet and the cumulative hazard after each day, with each child's weight."""
    share, hazard, found = 1.0, 0.0, []
    for day in sorted(set(rows["stop"])):
        at_risk = sum(weight[r.child_id] for r in rows.itertuples() if r.start < day <= r.stop)
        events = sum(weight[r.child_id] for r in rows.itertuples() if r.stop == day and r.event)
        share, hazard = share * (1 - events / at_risk), hazard + events / at_risk
        found.append((share, hazard))
    return [f[0] for f in found], [f[1] for f in found]


def test_late_entry_greenwood_and_nelson_aalen_by_pencil() -> None:
    found = recurrence.kaplan_meier(SPELLS).table
    assert found[["days", "at_risk", "events", "censored"]].to_numpy().tolist() == [
        [4, 3, 1, 0],  # cat is not yet followed
        [10, 3, 1, 0],
        [12, 2, 0, 1],
        [20, 1, 1, 0],
    ]
    assert found["share_not_yet"].tolist() == pytest.approx([2 / 3, 4 / 9, 4 / 9, 0])
    assert found["cumulative_hazard"].tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3, 5 / 3])
    assert found["se"].tolist()[:2] == pytest.approx([2 / 3 * np.sqrt(1 / 6), 4 / 9 * np.sqrt(2 / 6)])
    assert found["hazard_se"].tolist()[:2] == pytest.approx([1 / 3, np.sqrt(2 / 9)])


def test_limits_are_on_the_scale_asked_for() -> None:
    logged, doubly = (recurrence.kaplan_meier(SPELLS, limits=scale).table.iloc[1] for scale in ("log", "log-log"))
    relative = 1.959963984540054 * logged["se"] / logged["share_not_yet"]
    assert (logged["lower"], logged["upper"]) == pytest.approx((4 / 9 * np.exp(-relative), 1.0))
    width = np.exp(relative / -np.log(4 / 9))
    assert (doubly["lower"], doubly["upper"]) == pytest.approx(((4 / 9) ** width, (4 / 9) ** (1 / width)))


def test_at_reads_the_curve_and_gives_nothing_beyond_it() -> None:
    curve = recurrence.kaplan_meier(SPELLS, by="home")
    read = curve.at([0, 11, 13, 30])
    assert read["share_not_yet"].round(3).fillna(-1).tolist() == [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    assert recurrence.kaplan_meier(SPELLS.iloc[2:3]).at([12, 13])["share_not_yet"].fillna(-1).tolist() == [1.0, -1.0]
    assert curve.summary()["days"].tolist() == [7.0, 28.0, 90.0, 365.0] * 2
    with pytest.raises(errors.ArgumentRefused, match="days must be numbers"):
        curve.at([float("nan")])


def test_rows_without_length_are_left_out_and_counted_unless_all_begin_before_day_0() -> None:
    more = pd.concat([SPELLS, table("child_id start stop event home\n eve 10 10 1 oak")])
    curve = recurrence.kaplan_meier(more)
    pd.testing.assert_frame_equal(curve.table, recurrence.kaplan_meier(SPELLS).table)
    assert curve.groups["n_zero_length"].tolist() == [1]
    assert "1 row without length had to be left out" in curve.explain()
    at_once = table("child_id stop event\n a 0 1\n b 3 1\n c 5 0")
    found = recurrence.kaplan_meier(at_once)
    assert found.table[["days", "at_risk", "events"]].to_numpy().tolist() == [[0, 3, 1], [3, 2, 1], [5, 1, 0]]
    assert found.groups["n_zero_length"].tolist() == [0]


def test_gaps_of_a_child_are_told_to_be_alike() -> None:
    gaps = table("child_id stop event\n a 3 1\n a 5 1\n b 9 0")
    plain, by_child = (recurrence.kaplan_meier(gaps, cluster=c) for c in (None, "child_id"))
    assert "it is too narrow. Use cluster='child_id'" in plain.explain()
    assert "rows that go together by 'child_id'" in by_child.explain()
    assert "Greenwood" in recurrence.kaplan_meier(SPELLS).explain()
    assert by_child.table["share_not_yet"].tolist() == plain.table["share_not_yet"].tolist()
    assert repr(plain) == "SurvivalCurve: 3 rows, 2 ended by the event, in 1 group"


def test_nothing_followed_gives_an_empty_table() -> None:
    for by in (None, "home"):
        curve = recurrence.kaplan_meier(SPELLS.iloc[:0], by=by)
        assert curve.table.empty
        assert "0 rows of 0 children" in curve.explain()
    for cluster in (None, "child_id"):
        curve = recurrence.kaplan_meier(SPELLS.iloc[:0], cluster=cluster)
        assert curve.at([7])["share_not_yet"].isna().all()


def test_plot_draws_the_share_to_whom_it_has_happened() -> None:
    axes = recurrence.kaplan_meier(SPELLS, by="home").plot()
    assert [line.get_ydata()[-1] for line in axes.lines] == [1.0, 1.0]
    assert axes.get_ylabel() == "Share to whom it has happened"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("child_id start stop event\n a 5 3 0", "ends before it starts, at position 0"),
        ("child_id start stop event\n a 0 inf 0", "infinite, at position 0"),
        ("child_id stop event\n a -1 0", "negative or infinite, at position 0"),
        ("child_id stop event\n a 1 2", "other than 0 and 1 at position 0"),
        ("child_id stop\n a 1", "'event' is absent"),
    ],
)
def test_rows_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(errors.TableRefused, match=message):
        recurrence.kaplan_meier(table(text))


def test_arguments_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(errors.ArgumentRefused, match="Did you mean 'log-log'"):
        recurrence.kaplan_meier(SPELLS, limits="loglog")  # type: ignore[arg-type]
    for call in (recurrence.kaplan_meier, recurrence.log_rank):
        with pytest.raises(errors.ArgumentRefused, match=r"no column 'hom' .* Did you mean 'home'"):
            call(SPELLS, "hom")
        with pytest.raises(errors.ArgumentRefused, match=r"no column 'hom' to cluster by"):
            call(SPELLS, "home", cluster="hom")
        with pytest.raises(errors.TableRefused, match="'x' is blank"):
            call(SPELLS.assign(x=None), "home", cluster="x")
    with pytest.raises(errors.ArgumentRefused, match="rho must be"):
        recurrence.log_rank(SPELLS, "home", rho=-1)
    with pytest.raises(errors.ArgumentRefused, match="no column 'x' to compare by"):
        recurrence.log_rank(SPELLS, "home", strata="x")
    with pytest.raises(errors.ArgumentRefused, match="at least two groups to compare; it holds 1"):
        recurrence.log_rank(SPELLS.assign(home="oak"), "home")


@settings(deadline=None, max_examples=50)
@given(followed())
def test_curve_is_that_of_a_plain_twin_in_whole_fractions(rows: pd.DataFrame) -> None:
    found = recurrence.kaplan_meier(rows).table
    share, expected = Fraction(1), []
    for day in sorted(set(rows["stop"])):
        at_risk = int(((rows["start"] < day) & (day <= rows["stop"])).sum())
        share *= 1 - Fraction(int(rows.loc[rows["stop"] == day, "event"].sum()), at_risk)
        expected.append(float(share))
    np.testing.assert_allclose(found["share_not_yet"], expected, atol=1e-13)


@settings(deadline=None, max_examples=30)
@given(followed())
def test_errors_by_cluster_are_those_of_the_change_with_each_clusters_weight(rows: pd.DataFrame) -> None:
    found = recurrence.kaplan_meier(rows, cluster="child_id").table
    children = sorted(set(rows["child_id"]))
    ones, step = dict.fromkeys(children, 1.0), 1e-5
    squares = np.zeros((2, len(found)))
    for child in children:
        up, down = (np.array(share_and_hazard(rows, {**ones, child: 1 + sign * step})) for sign in (1, -1))
        squares += ((up - down) / (2 * step)) ** 2
    for name, expected in zip(("se", "hazard_se"), squares, strict=True):
        np.testing.assert_allclose(found[name] ** 2, expected, atol=1e-7)


def test_observed_and_expected_by_pencil() -> None:
    # day 4: oak 2 of 3 (cat is not yet followed); day 10: oak 1 of 3; day 20: only elm is left
    found = recurrence.log_rank(SPELLS, "home")
    assert found.groups[["home", "n_rows", "observed", "expected"]].to_numpy().tolist() == [
        ["elm", 2, 1.0, pytest.approx(1 / 3 + 2 / 3 + 1)],
        ["oak", 2, 2.0, pytest.approx(2 / 3 + 1 / 3)],
    ]
    assert found.variance[0, 0] == pytest.approx(2 / 9 + 2 / 9)
    assert found.statistic == pytest.approx(1 / (4 / 9))
    assert (found.df, found.p_value) == (1, pytest.approx(0.1336, abs=1e-4))
    assert repr(found) == "LogRank: 2 groups, chi-squared 2.250, p = 0.134"


@pytest.mark.no_cover
@settings(deadline=None, max_examples=25)
@given(followed())
def test_a_cluster_for_each_row_and_strata_of_one_change_nothing_that_they_should_not(rows: pd.DataFrame) -> None:
    rows = rows.assign(g=["a", "b", *rows["g"][2:]][: len(rows)], one="x")
    if rows["g"].nunique() < 2:
        return
    plain, stratified = (recurrence.log_rank(rows, "g", strata=s) for s in (None, "one"))
    assert plain.groups["observed"].sum() == pytest.approx(plain.groups["expected"].sum())
    assert plain.statistic == pytest.approx(stratified.statistic, nan_ok=True)
    twice = pd.concat([rows.assign(one="x"), rows.assign(one="y")])
    doubled = recurrence.log_rank(twice, "g", strata="one")
    np.testing.assert_allclose(doubled.variance, 2 * plain.variance, atol=1e-12)
    by_row = recurrence.log_rank(rows.assign(row=range(len(rows))), "g", cluster="row")
    residual = np.zeros((2, 2))
    for row in rows.itertuples():  # each row's part of observed less expected, day by day
        part = np.zeros(2)
        for day in sorted(set(rows["stop"])):
            here = rows[(rows["start"] < day) & (day <= rows["stop"])]
            if not row.start < day <= row.stop:
                continue
            share = np.array([(here["g"] == g).mean() for g in "ab"])
            hazard = here.loc[here["stop"] == day, "event"].sum() / len(here)
            part += (np.array([row.g == "a", row.g == "b"]) - share) * ((row.stop == day) * row.event - hazard)
        residual += np.outer(part, part)
    np.testing.assert_allclose(by_row.variance, residual, atol=1e-12)


def test_groups_never_followed_together_cannot_be_compared() -> None:
    apart = SPELLS.assign(start=[0, 0, 30, 30], stop=[4, 10, 40, 50])
    found = recurrence.log_rank(apart, "home")
    assert np.isnan([found.statistic, found.p_value]).all()
    assert "cannot be compared" in found.explain()
    assert np.isnan(recurrence.log_rank(SPELLS.assign(start=SPELLS["stop"]), "home").statistic)


def test_explain_summary_and_plot_of_the_test() -> None:
    found = recurrence.log_rank(SPELLS, "home", strata="child_id", cluster="child_id", rho=1)
    assert "cannot be compared" in found.explain()
    said = recurrence.log_rank(SPELLS, "home", cluster="child_id", rho=1).explain()
    for words in ("2 groups with 4 rows of 4 children", "early days counting more", "go together by 'child_id'"):
        assert words in said
    assert "is not an effect of belonging to one" in said
    twice = pd.concat([SPELLS, SPELLS.assign(home=SPELLS["home"].replace("oak", "elm"))]).assign(z="z")
    said = recurrence.log_rank(twice, "home", strata="z").explain()
    assert "p is too small. Use cluster='child_id'" in said
    assert "within each value of 'z'" in said
    shown = recurrence.log_rank(SPELLS, "home")
    assert shown.summary()["statistic"].tolist() == [shown.statistic] * 2
    assert len(shown.plot().lines) == 2


def alike(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Return gaps of children of two groups without a difference; gaps of a child are alike."""
    n_gaps = rng.integers(1, 8, n)
    child = np.repeat(np.arange(n), n_gaps)
    length = rng.exponential(1, len(child)) / rng.gamma(1.0, 0.05, n)[child]
    until = rng.uniform(10, 60, len(child))
    return pd.DataFrame(
        {"child_id": child, "stop": np.minimum(length, until), "event": (length <= until).astype(int), "g": child % 2}
    )


def coverage(n_replications: int, n_children: int, seed: int) -> float:
    """Return how often the interval by child covers the share not yet by day 20: 1 / (1 + 20 * .05) = .5."""
    gaps = alike(np.random.default_rng(seed), n_replications * n_children)
    gaps["replication"] = gaps["child_id"] // n_children
    table = recurrence.kaplan_meier(gaps, by="replication", cluster="child_id").table
    last = table[table["days"] <= 20].groupby("replication").tail(1)
    assert len(last) == n_replications
    return float((last["lower"].le(0.5) & last["upper"].ge(0.5)).mean())


@pytest.mark.no_cover
def test_interval_by_child_covers_the_truth_as_often_as_it_says() -> None:
    assert 0.93 <= coverage(500, 200, seed=2) <= 0.97


@pytest.mark.no_cover
def test_chance_is_called_a_difference_as_often_as_it_should_where_gaps_of_a_child_are_alike() -> None:
    rng = np.random.default_rng(3)
    found = [recurrence.log_rank(alike(rng, 60), "g", cluster="child_id").p_value for _ in range(100)]
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.10


def test_a_planted_difference_is_found() -> None:
    gaps = alike(np.random.default_rng(4), 300)
    later = gaps.assign(stop=gaps["stop"] * (1 + gaps["g"]))
    assert recurrence.log_rank(later, "g", cluster="child_id").p_value < 0.001


def test_row_order_ids_and_input() -> None:
    before = SPELLS.copy(deep=True)
    shuffled = SPELLS.sample(frac=1, random_state=3).assign(child_id=lambda f: f["child_id"].map(hash))
    for cluster in (None, "child_id"):
        one, other = (recurrence.kaplan_meier(f, by="home", cluster=cluster).table for f in (SPELLS, shuffled))
        pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(SPELLS, before)
