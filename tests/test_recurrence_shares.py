"""Repeats by both definitions, and how concentrated episodes are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns import errors, recurrence
from missing_patterns.recurrence.frequency.concentrate import chance_gini


def episodes(*counts: int) -> pd.DataFrame:
    """Return episodes of children who have so many each."""
    ids = [f"k{child}" for child, n in enumerate(counts) for _ in range(n)]
    stamps = pd.Timestamp("2026-01-01 20:00") + pd.to_timedelta(np.arange(len(ids)), unit="D")
    return pd.DataFrame({"child_id": ids, "missing_from": stamps})


#: 20 children: twelve went once, four twice, three four times, one twelve times.
BOROUGH = (*[1] * 12, *[2] * 4, *[4] * 3, 12)


def test_both_definitions_are_counted_and_named() -> None:
    result = recurrence.repeat_shares(episodes(*BOROUGH))
    rows = result.table.set_index("measure")
    assert rows[["n", "of", "n_children"]].to_numpy().tolist() == [[8, 20, 8], [24, 44, 8], [32, 44, 8]]
    assert rows["share"].tolist() == [8 / 20, 24 / 44, 32 / 44]
    assert (result.n_children, result.n_episodes, result.n_children_repeat) == (20, 44, 8)
    assert (result.strict_repeats, result.episodes_of_repeaters) == (24, 32)
    assert (result.mean_per_child, result.median_per_child) == (2.2, 1.0)
    assert all(rows["lower"] < rows["share"])
    assert all(rows["upper"] > rows["share"])


def test_published_counts_fit_one_definition_each() -> None:
    # Sidebottom et al. 2020 print 75 % for 3,352 incidents: it is the share owned by children with two or more.
    sizes = [1] * 838 + [2] * 400 + [3] * 150 + [11] * 64 + [14] * 40
    rows = recurrence.repeat_shares(episodes(*sizes), n_boot=0).table.set_index("measure")
    assert rows["n"].tolist() == [654, 3352 - 1492, 3352 - 838]
    assert rows["share"].round(2).tolist() == [0.44, 0.55, 0.75]


def test_bands_hold_every_child_and_episode() -> None:
    bands = recurrence.repeat_shares(episodes(*BOROUGH, 3, 9, 10)).bands
    assert bands["band"].tolist() == ["1", "2", "3 to 9", "10 or more"]
    assert bands["n_children"].tolist() == [12, 4, 5, 2]
    assert bands["n_episodes"].tolist() == [12, 8, 24, 22]
    assert bands["share_children"].sum() == pytest.approx(1)
    assert bands["share_episodes"].sum() == pytest.approx(1)


def test_first_is_first_in_the_table_whatever_episode_no_says() -> None:
    late = episodes(1, 1).assign(episode_no=[7, 3])
    assert recurrence.repeat_shares(late).strict_repeats == 0


def test_no_episodes_and_few_children() -> None:
    nothing = recurrence.repeat_shares(episodes())
    assert nothing.table["n"].tolist() == [0, 0, 0]
    assert nothing.table[["share", "lower", "upper"]].isna().all(axis=None)
    assert nothing.bands["share_children"].isna().all()
    assert np.isnan(nothing.mean_per_child)
    assert nothing.explain() == "There is no episode in this period, so there is nothing to say about repeats."
    few = recurrence.repeat_shares(episodes(1, 2, 3))
    assert few.table["share"].notna().all()
    assert few.table["lower"].isna().all()


def test_an_interval_without_width_is_not_given() -> None:
    alike = recurrence.repeat_shares(episodes(*[1] * 30))
    assert alike.table["share"].tolist() == [0.0, 0.0, 0.0]
    assert alike.table[["lower", "upper"]].isna().all(axis=None)


def test_interval_of_the_share_of_children_is_the_binomial_one_but_for_chance() -> None:
    row = recurrence.repeat_shares(episodes(*[1] * 600, *[3] * 400), n_boot=4000).table.iloc[0]
    half = 1.96 * np.sqrt(0.4 * 0.6 / 1000)
    assert row["upper"] - row["lower"] == pytest.approx(2 * half, rel=0.06)


def test_shares_explain_repr_and_plot() -> None:
    result = recurrence.repeat_shares(episodes(*BOROUGH))
    assert repr(result) == "RepeatShares: 20 children, 44 episodes, 24 of them strict repeats"
    said = result.explain()
    assert "55% of all episodes" in said
    assert "are 73%" in said
    assert "'First' means first in this period" in said
    pd.testing.assert_frame_equal(result.summary(), result.table)
    axes = result.plot()
    assert [bar.get_height() for bar in axes.patches[:4]] == [60.0, 20.0, 15.0, 5.0]
    assert recurrence.repeat_shares(episodes()).plot(axes) is axes


def test_lorenz_curve_and_top_shares() -> None:
    result = recurrence.concentration(episodes(*BOROUGH))
    corners = result.lorenz.round(6).to_numpy().tolist()
    assert corners == [[0, 0], [0.6, round(12 / 44, 6)], [0.8, round(20 / 44, 6)], [0.95, round(32 / 44, 6)], [1, 1]]
    rows = result.table.set_index("measure")
    # the top 5 % is the child with twelve; 10 % adds one with four; 20 % adds three with four
    assert rows["value"][["top_05", "top_10", "top_20"]].tolist() == pytest.approx([12 / 44, 16 / 44, 24 / 44])
    assert rows["value"]["top_01"] == pytest.approx(0.2 * 12 / 44)  # a fifth of the child with most
    assert rows["n_children"].tolist() == [20, 20, 1, 1, 2, 4]
    assert rows["lower"]["top_10"] < 16 / 44 < rows["upper"]["top_10"]
    assert rows["lower"]["gini"] < result.gini < rows["upper"]["gini"]
    assert np.isnan(rows["lower"]["gini_by_chance"])
    assert result.gini == rows["value"]["gini"]
    pd.testing.assert_frame_equal(result.bands, recurrence.repeat_shares(episodes(*BOROUGH)).bands)


def test_a_part_of_a_child_counts_in_part() -> None:
    rows = recurrence.concentration(episodes(1, 1, 1, 7)).table.set_index("measure")
    assert rows["value"][["top_05", "top_10", "top_20"]].tolist() == pytest.approx([0.14, 0.28, 0.56])
    assert rows["n_children"].tolist() == [4, 4, 1, 1, 1, 1]


def test_equal_children_have_no_gini_and_none_by_chance_either() -> None:
    result = recurrence.concentration(episodes(*[1] * 15))
    assert (round(result.gini, 12), result.gini_by_chance) == (0.0, 0.0)


@pytest.mark.parametrize("rate", [0.05, 1.8, 30.0])
def test_gini_by_chance_is_that_of_children_who_go_equally_often(rate: float) -> None:
    drawn = np.random.default_rng(1).poisson(rate, 400_000)
    drawn = np.sort(drawn[drawn > 0])
    n = len(drawn)
    gini = ((2 * np.arange(1, n + 1) - n - 1) * drawn).sum() / (n * drawn.sum())
    assert chance_gini(float(drawn.mean())) == pytest.approx(gini, abs=0.002)


def test_no_episodes_have_no_concentration() -> None:
    result = recurrence.concentration(episodes())
    assert result.table["value"].isna().all()
    assert result.table["n_children"].tolist() == [0] * 6
    assert result.lorenz.to_numpy().tolist() == [[0, 0], [1, 1]]
    assert "nothing to say about concentration" in result.explain()


def test_concentration_explain_repr_and_plot() -> None:
    result = recurrence.concentration(episodes(*BOROUGH))
    assert repr(result) == "Concentration: 20 children, 44 episodes, Gini 0.43"
    said = result.explain()
    assert "had 36% of them" in said
    assert "regression to the mean" in said
    pd.testing.assert_frame_equal(result.summary(), result.table)
    assert len(result.plot().lines) == 2


def test_row_order_and_ids_do_not_matter_and_the_input_is_not_modified() -> None:
    given_table = episodes(*BOROUGH)
    before = given_table.copy(deep=True)
    shuffled = given_table.sample(frac=1, random_state=2).assign(child_id=lambda f: "x" + f["child_id"])
    for function in (recurrence.repeat_shares, recurrence.concentration):
        pd.testing.assert_frame_equal(function(given_table).table, function(shuffled).table)
    pd.testing.assert_frame_equal(given_table, before)


def test_seeds_that_cannot_be_repeated_are_refused() -> None:
    for function in (recurrence.repeat_shares, recurrence.concentration):
        with pytest.raises(errors.ArgumentRefused, match="random_state"):
            function(episodes(1), random_state=None)  # type: ignore[arg-type]
        with pytest.raises(errors.ArgumentRefused, match="n_boot"):
            function(episodes(1), n_boot=-1)
        with pytest.raises(errors.TableRefused, match="'missing_from' is absent"):
            function(episodes(1).drop(columns="missing_from"))


def plain_gini(counts: list[int]) -> float:
    """Return half the mean difference between two children, over the mean."""
    differences = [abs(a - b) for a in counts for b in counts]
    return sum(differences) / len(differences) / 2 / (sum(counts) / len(counts))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 15), min_size=1, max_size=15))
def test_counts_are_those_of_a_plain_twin(counts: list[int]) -> None:
    rows = recurrence.repeat_shares(episodes(*counts), n_boot=0).table["n"].tolist()
    assert rows == [
        sum(c >= 2 for c in counts),
        sum(c - 1 for c in counts),
        sum(c for c in counts if c >= 2),
    ]
    result = recurrence.concentration(episodes(*counts), n_boot=0)
    assert result.gini == pytest.approx(plain_gini(counts), abs=1e-12)
    fifth, whole = len(counts) // 5, sorted(counts, reverse=True)
    if len(counts) % 5 == 0:
        top = result.table.set_index("measure")["value"]["top_20"]
        assert top == pytest.approx(sum(whole[:fifth]) / sum(whole), abs=1e-12)
