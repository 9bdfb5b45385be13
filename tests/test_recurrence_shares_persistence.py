"""Whether the top group lasts, beside what chance gives; and how far shares of repeats hang on choices."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from missing_patterns import errors, recurrence
from missing_patterns.recurrence.frequency.top_groups import MEASURES, measures_of, no_memory, one_pair, top_part

UNTIL = "2026-12-31"


def years(counts: dict[str, tuple[int, ...]], last: int = 2026) -> pd.DataFrame:
    """Return episodes of children who have so many in each year, the last year last."""
    rows = [
        (child, pd.Timestamp(last - len(n) + 1 + k, 1, 2) + pd.Timedelta(days=3 * i))
        for child, n in counts.items()
        for k in range(len(n))
        for i in range(n[k])
    ]
    return pd.DataFrame(rows, columns=["child_id", "missing_from"])


#: Ten children with an episode in 2025, of whom one is the top tenth; two more come in 2026.
BOROUGH = {
    "a": (10, 3),
    **{f"b{k}": (2, 1) for k in range(3)},
    **{f"c{k}": (1, 0) for k in range(6)},
    "d": (0, 8),
    "e": (0, 1),
}


def values(counts: dict[str, tuple[int, ...]], **options: Any) -> pd.DataFrame:
    made = recurrence.persistence(years(counts), observed_until=UNTIL, **options)
    return made.table.set_index("measure")


def test_measures_by_hand() -> None:
    rows = values(BOROUGH)
    value = rows["value"]
    assert value["share_of_earlier"] == pytest.approx(10 / 22)
    assert value["share_of_later"] == pytest.approx(3 / 15)
    assert value["later_per_earlier"] == pytest.approx(3 / 10)
    # Six have any in 2026; their top tenth is 0.6 of a child, and d has most.
    assert value["still_top"] == pytest.approx(0.0)
    assert value["any_later"] == pytest.approx(1.0)
    assert value["any_later_others"] == pytest.approx(3 / 9)
    assert rows["n_children"].tolist() == [1, 1, 1, 1, 1, 9]
    pair = recurrence.persistence(years(BOROUGH), observed_until=UNTIL).pairs.iloc[0]
    counts = ["n_children_earlier", "n_children_later", "n_children_top", "n_episodes_earlier", "n_episodes_later"]
    assert pair[counts].tolist() == [10, 6, 1, 22, 15]


def test_no_memory_is_the_average_over_all_ways_to_deal_the_later_year() -> None:
    import itertools

    earlier, later = np.array([5, 2, 1, 1, 0]), np.array([1, 0, 4, 0, 3])
    one = np.ones(5)
    dealt = [np.array([*order, 3]) for order in itertools.permutations(later[:4])]
    mean = np.mean([measures_of(earlier, d, one, 0.25) for d in dealt], axis=0)
    np.testing.assert_allclose(no_memory(earlier, later, 0.25), mean, atol=1e-12)


def test_ties_at_the_edge_belong_in_part() -> None:
    part = top_part(np.array([4, 4, 4, 1, 1, 0]), np.ones(6), 0.2)
    assert part.tolist() == pytest.approx([1 / 3] * 3 + [0] * 3)
    whole = top_part(np.array([3, 1, 3, 0]), np.array([1.0, 8.0, 1.0, 50.0]), 0.3)
    assert whole.tolist() == pytest.approx([1, 1 / 8, 1, 0])


def coverage(n_runs: int, n: int, seed: int) -> np.ndarray:
    """Return how often the range of steady worlds holds each measure, where children are steady.

    Rates differ widely and stay; all go a third less in the later year. In 400 worlds of 600 children with 200
    shuffles the range held 93.5 to 98 % of them.
    """
    rng = np.random.default_rng(seed)
    held = np.zeros(len(MEASURES))
    for run in range(n_runs):
        rate = rng.lognormal(-1.0, 1.4, n)
        earlier, later = rng.poisson(rate), rng.poisson(rate * 2 / 3)
        on_file = earlier + later > 0
        part = one_pair(earlier[on_file], later[on_file], np.full(int(on_file.sum()), 0.5), (0.1, run, 0, 100))
        held += ((part["if_steady_lower"] <= part["value"]) & (part["value"] <= part["if_steady_upper"])).to_numpy()
    return held / n_runs


@pytest.mark.no_cover
def test_steady_children_are_inside_the_range_that_the_shuffle_gives() -> None:
    # Monte Carlo's own error is 2 % with 120 worlds.
    held = coverage(120, 400, seed=11)
    assert (held >= 0.90).all()


def test_the_top_group_of_steady_children_falls_by_chance() -> None:
    rng = np.random.default_rng(13)
    rate = rng.lognormal(-1.0, 1.4, 2000)
    earlier, later = rng.poisson(rate), rng.poisson(rate)
    on_file = earlier + later > 0
    part = one_pair(earlier[on_file], later[on_file], np.full(int(on_file.sum()), 0.5), (0.1, 0, 0, 50))
    assert part["value"][1] < part["value"][0] - 0.03
    assert part["if_steady"][1] == pytest.approx(part["value"][1], abs=0.03)


def test_children_whose_rates_are_dealt_anew_are_below_the_range() -> None:
    rng = np.random.default_rng(12)
    rate = rng.lognormal(-1.0, 1.4, 800)
    earlier, later = rng.poisson(rate), rng.poisson(rng.permutation(rate))
    on_file = earlier + later > 0
    part = one_pair(earlier[on_file], later[on_file], np.full(int(on_file.sum()), 0.5), (0.1, 0, 300, 200))
    rows = part.set_index("measure")
    assert rows["value"]["share_of_later"] < rows["if_steady_lower"]["share_of_later"]
    assert rows["lower"]["still_top"] <= rows["if_no_memory"]["still_top"] + 0.1


def test_a_year_half_followed_is_expected_to_hold_half() -> None:
    rng = np.random.default_rng(5)
    rate = rng.lognormal(0.5, 1.2, 500)
    half = rate > np.quantile(rate, 0.7)  # those who go most are followed for a tenth of the later year
    drawn = np.column_stack([rng.poisson(rate), rng.poisson(np.where(half, 0.1, 1.0) * rate)])
    counts = {f"k{i}": (int(a), int(b)) for i, (a, b) in enumerate(drawn)}
    ids = [f"k{i}" for i in np.flatnonzero(half)]
    children = pd.DataFrame({"child_id": ids, "observed_until": "2026-02-07"})
    episodes = years(counts)  # three days apart from the second of January
    told = recurrence.persistence(episodes, observed_until=UNTIL, children=children).table.set_index("measure")
    plain = recurrence.persistence(episodes, observed_until=UNTIL).table.set_index("measure")
    row = told.loc["share_of_later"]
    assert row["if_steady_lower"] < row["value"] < row["if_steady_upper"]
    assert plain.loc["share_of_later", "value"] < plain.loc["share_of_later", "if_steady_lower"]


def test_who_is_no_longer_followed_is_left_out_and_counted() -> None:
    children = pd.DataFrame(
        {
            "child_id": ["a", "b0"],
            "birth_month": [None, "2007-06-01"],
            "observed_until": ["2025-12-01", None],
            "exit_reason": ["left_care", None],
        }
    )
    made = recurrence.persistence(years(BOROUGH), observed_until=UNTIL, children=children)
    pair = made.pairs.iloc[0]
    assert pair[["n_children_earlier", "n_not_followed"]].tolist() == [8, 2]
    assert pair["n_episodes_earlier"] == 10


def test_what_is_recorded_of_a_child_that_was_not_followed_is_left_out_and_counted() -> None:
    children = pd.DataFrame({"child_id": ["a", "d"], "observed_from": ["2025-01-09", None]})
    children["observed_until"] = [None, "2026-01-08"]
    pair = recurrence.persistence(years(BOROUGH), observed_until=UNTIL, children=children).pairs.iloc[0]
    # a went on 2, 5, 8 January 2025 and seven times later; d twice in January 2026 before the eighth.
    counts = ["n_episodes_earlier", "n_episodes_later", "n_episodes_outside"]
    assert pair[counts].tolist() == [22 - 3, 15 - 6, 9]


def test_each_year_is_compared_with_the_next() -> None:
    made = recurrence.persistence(years({"a": (3, 2, 1), "b": (1, 1, 1)}), observed_until=UNTIL, years=3, top=0.5)
    assert made.pairs["later_from"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-01", "2026-01-01"]
    assert made.table.groupby("later_from")["value"].first().tolist() == [3 / 4, 2 / 3]
    assert "In the year to 31 December 2024" in made.explain()
    assert "In the year to 31 December 2025" in made.explain()


def test_an_episode_at_midnight_belongs_to_the_year_that_begins() -> None:
    stamps = ["2025-01-01", "2026-01-01", "2026-12-31 23:59", "2027-01-01", "2024-12-31 23:59"]
    episodes = pd.DataFrame({"child_id": "a", "missing_from": stamps})
    pair = recurrence.persistence(episodes, observed_until=UNTIL, top=0.5).pairs.iloc[0]
    assert pair[["n_episodes_earlier", "n_episodes_later"]].tolist() == [1, 2]


def test_row_order_ids_and_whole_years_do_not_matter_and_the_input_stays() -> None:
    rng = np.random.default_rng(3)
    counts = {
        f"k{i}": (int(a), int(b)) for i, (a, b) in enumerate(rng.poisson(rng.lognormal(0, 1, 60)[:, None], (60, 2)))
    }
    episodes = years(counts)
    before = episodes.copy(deep=True)
    told = recurrence.persistence(episodes, observed_until=UNTIL).table
    shuffled = episodes.sample(frac=1, random_state=1).assign(child_id=lambda f: "z" + f["child_id"].str[::-1])
    pd.testing.assert_frame_equal(told, recurrence.persistence(shuffled, observed_until=UNTIL).table)
    pd.testing.assert_frame_equal(episodes, before)
    earlier = episodes.assign(missing_from=episodes["missing_from"] - pd.DateOffset(years=4))
    moved = recurrence.persistence(earlier, observed_until="2022-12-31").table
    pd.testing.assert_frame_equal(told.drop(columns="later_from"), moved.drop(columns="later_from"))


def test_repr_explain_and_plot_of_persistence() -> None:
    rng = np.random.default_rng(4)
    drawn = rng.poisson(rng.lognormal(0, 1.2, 200)[:, None], (200, 2))
    made = recurrence.persistence(
        years({f"k{i}": (int(a), int(b)) for i, (a, b) in enumerate(drawn)}), observed_until=UNTIL
    )
    assert repr(made) == "Persistence: top 10% of children, 1 pair of years"
    said = made.explain()
    for words in ("regression to the mean", "chance alone would have given", "inside that range", "come in bursts"):
        assert words in said
    pd.testing.assert_frame_equal(made.summary(), made.table)
    axes = made.plot()
    assert len(axes.get_yticklabels()) == 5
    assert made.plot(axes) is axes


def test_few_children_have_no_interval_and_none_no_figure() -> None:
    few = values({"a": (3, 1), "b": (1, 1)})
    assert few[["lower", "upper"]].isna().all(axis=None)
    quiet = recurrence.persistence(years({"a": (3, 1), "b": (1, 1)}), observed_until=UNTIL, n_shuffles=0)
    assert "was not worked out" in quiet.explain()
    none = recurrence.persistence(years({"a": (0, 2)}), observed_until=UNTIL)
    assert none.table["value"].isna().all()
    assert "so there is no top group" in none.explain()
    assert recurrence.persistence(years({}), observed_until=UNTIL).pairs["n_children_later"].tolist() == [0]


def test_options_of_persistence_that_cannot_be_used_are_refused() -> None:
    for options, why in (
        ({"top": 10}, "top must be"),
        ({"years": 1}, "years must be"),
        ({"n_shuffles": -1}, "n_shuffles must be"),
        ({"n_boot": 0.5}, "n_boot must be"),
        ({"observed_until": "yesterday"}, "observed_until must be"),
    ):
        with pytest.raises(errors.ArgumentRefused, match=why):
            recurrence.persistence(years(BOROUGH), **{"observed_until": UNTIL, **options})  # type: ignore[arg-type]


#: A goes in January, April and June; B twice in June, three hours apart.
EPISODES = pd.read_csv(
    io.StringIO(
        """child_id,missing_from,returned_at
A,2026-01-10 20:00,2026-01-11 08:00
A,2026-04-10 20:00,2026-04-11 08:00
A,2026-06-10 20:00,2026-06-11 08:00
B,2026-06-20 10:00,2026-06-20 12:00
B,2026-06-20 15:00,2026-06-20 18:00"""
    )
)


def test_shares_by_length_of_window_and_history() -> None:
    made = recurrence.repeat_sensitivity(EPISODES, observed_until="2026-06-30", months=(1, 3, 6, 12))
    rows = made.table.set_index(["choice", "setting"])
    assert rows["n_episodes"].tolist() == [
        3,
        3,
        4,
        4,
        5,
        5,
    ]  # 12 months would be the same as 6: the records are no longer
    assert rows["strict_repeats"].tolist() == [1, 2, 2, 3, 3, 3]
    assert rows.loc[("window", "1 month"), "share_of_repeaters"] == pytest.approx(2 / 3)
    assert made.n_months_on_file == pytest.approx(5.6, abs=0.1)


def test_shares_by_joining_rule() -> None:
    incidents = EPISODES.assign(incident_id=range(5))
    made = recurrence.repeat_sensitivity(EPISODES, observed_until="2026-06-30", months=(6,), incidents=incidents)
    merged = made.table.query("choice == 'merge_gap'")
    assert merged["n_episodes"].tolist() == [5, 5, 4, 4]
    assert merged["strict_repeats"].tolist() == [3, 3, 2, 2]
    assert "leaves 4 episodes of 5; the strict share lies between 50% and 60%" in made.explain()


def test_repr_explain_and_plot_of_sensitivity() -> None:
    made = recurrence.repeat_sensitivity(EPISODES, observed_until="2026-06-30")
    assert repr(made) == "RepeatSensitivity: 4 settings"
    assert "In the last 3 months, 2 children had 4 episodes: 50% were strict repeats, and 75%" in made.explain()
    pd.testing.assert_frame_equal(made.summary(), made.table)
    assert [line.get_ydata().tolist() for line in made.plot().lines][2] == pytest.approx([50.0, 60.0])
    late = recurrence.repeat_sensitivity(EPISODES, observed_until="2026-12-31", months=[3])
    assert "In the last 3 months there is no episode" in late.explain()
    for wrong in ((), (0,), (True,), (1.5,)):
        with pytest.raises(errors.ArgumentRefused, match="months must be"):
            recurrence.repeat_sensitivity(EPISODES, observed_until="2026-06-30", months=wrong)  # type: ignore[arg-type]
