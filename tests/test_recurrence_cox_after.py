"""What comes after a Cox model: predicted means, the test of constant rate ratios, influence, concordance, words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.recurrence.cox import concordance as concordance_module
from missing_patterns.recurrence.cox import prediction
from missing_patterns.recurrence.cox.concordance import COUNTS, concordance_of
from missing_patterns.recurrence.cox.drawing import forest, log_axis
from missing_patterns.recurrence.cox.influence import Influence, _fit_again, _without, furthest
from missing_patterns.recurrence.cox.likelihood import Likelihood
from missing_patterns.recurrence.cox.model import RecurrentCox
from missing_patterns.recurrence.cox.names import spoken
from missing_patterns.recurrence.cox.pairs import sum_alike, sum_dominated
from missing_patterns.recurrence.cox.proportional import SchoenfeldTest, _inverse
from missing_patterns.recurrence.cox.pwp import pwp
from missing_patterns.recurrence.cox.risk import risk_sets
from missing_patterns.recurrence.cox.state import state_of
from missing_patterns.recurrence.drawing import new_axes


def spells(seed: int = 0, n: int = 80, variance: float = 0.8, *, change: float = 0.0) -> pd.DataFrame:
    """Return spells of children followed for a year, with rates of their own and two covariates.

    In care the rate is twice as high; ``change`` is added to that log rate ratio in the second half of the year.
    """
    rng = np.random.default_rng(seed)
    care, age = rng.permutation(np.arange(n) % 2), rng.integers(11, 18, n)
    own = rng.gamma(1 / variance, variance, n) if variance else np.ones(n)
    rows = []
    for child in range(n):
        now = 0
        while now < 365:
            extra = care[child] * (np.log(2) + change * (now >= 180))
            gap = int(np.ceil(rng.exponential(365 / (2.5 * own[child] * np.exp(extra)))))
            end = min(now + gap, 365, 180 if now < 180 else 365)
            rows.append((f"k{child}", now, end, int(end == now + gap), care[child], age[child], f"home {child % 3}"))
            now = end
    return pd.DataFrame(rows, columns=["child_id", "start", "stop", "event", "care", "age", "home"])


@pytest.fixture(scope="module")
def intervals() -> pd.DataFrame:
    return spells()


@pytest.fixture(scope="module")
def model(intervals: pd.DataFrame) -> RecurrentCox:
    return RecurrentCox().fit(intervals, ["care", "age"])


# --- concordance -------------------------------------------------------------------------------------------------

#: One row per line: start, stop, event, score. The third comes at risk on day 2, when the first goes: not compared.
BY_HAND = """
0 2 1 3
0 3 1 1
2 6 1 9
0 3 0 2
0 3 1 1
"""


def by_hand() -> np.ndarray:
    return np.array([line.split() for line in BY_HAND.split("\n") if line], dtype=float).T


def test_concordance_of_a_small_table_is_that_counted_by_hand() -> None:
    found = concordance_of(*by_hand())
    # Day 2: the first (3) against the second (1), fourth (2) and fifth (1): 3 concordant; the third is not at risk yet.
    # Day 3: the second and fifth (1) each against the third (9) and the fourth (2), who is censored that day and so was
    # at risk: 4 discordant; they themselves are tied in time and score. Day 6: nobody is left.
    assert found.counts.loc[0, list(COUNTS)].tolist() == [3, 4, 0, 0, 1]
    assert found.concordance == pytest.approx(3 / 7)


def count_slowly(
    start: np.ndarray, stop: np.ndarray, event: np.ndarray, score: np.ndarray, stratum: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted counts of pairs, and each row's weight of partners of the first three kinds, by two loops."""
    n, counts = len(stop), np.zeros(5)
    partners = np.zeros((n, 3))
    for i in range(n):
        for j in range(n):
            if i == j or stratum[i] != stratum[j] or not event[i]:
                continue
            if start[j] < stop[i] and (stop[j] > stop[i] or (stop[j] == stop[i] and not event[j])):
                kind = 0 if score[i] > score[j] else 1 if score[i] < score[j] else 2
                counts[kind] += weight[i] * weight[j]
                partners[i, kind] += weight[j]
                partners[j, kind] += weight[i]
            elif event[j] and stop[j] == stop[i] and i < j:
                counts[3 if score[i] != score[j] else 4] += weight[i] * weight[j]
    return counts, partners


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_concordance_is_that_of_two_plain_loops(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 16))
    column = lambda low, high: np.array(data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))  # noqa: E731
    start, score, stratum, child = column(0, 5).astype(float), column(0, 4) * 1.5, column(0, 1), column(0, 3)
    stop, event = start + column(1, 6), column(0, 1)
    weighted = data.draw(st.booleans())
    weight = column(1, 4) / 2 if weighted else np.ones(n)
    counts, partners = count_slowly(start, stop, event, score, stratum, weight)
    given_weight = weight if weighted else None
    if counts[:3].sum() == 0:
        with pytest.raises(ArgumentRefused, match="no two rows can be compared"):
            concordance_of(start, stop, event, score, stratum=stratum, weight=given_weight)
        return
    found = concordance_of(start, stop, event, score, stratum=stratum, weight=given_weight, cluster=child)
    assert found.counts[list(COUNTS)].sum().tolist() == counts.tolist()  # halves are exact
    pairs, difference = counts[:3].sum(), (counts[0] - counts[1]) / counts[:3].sum()
    moves = weight * (partners[:, 0] - partners[:, 1] - difference * partners.sum(axis=1)) / pairs
    moves = np.bincount(child, moves)[np.unique(child)]
    expected = np.sqrt((moves**2).sum()) / 2 if len(moves) > 1 else np.nan
    np.testing.assert_allclose(found.se, expected, rtol=1e-9, atol=1e-12)


def test_concordance_does_not_change_with_row_order_or_names_of_children(intervals: pd.DataFrame) -> None:
    columns = ["start", "stop", "event"]
    found = concordance_of(*(intervals[c] for c in columns), intervals["age"], cluster=intervals["child_id"])
    mixed = intervals.sample(frac=1, random_state=1)
    ids = mixed["child_id"].str[1:].astype(int)
    again = concordance_of(*(mixed[c] for c in columns), mixed["age"], cluster=ids)
    pd.testing.assert_frame_equal(found.counts, again.counts)
    assert again.se == pytest.approx(found.se, rel=1e-12)
    assert again.se_null == pytest.approx(found.se_null, rel=1e-12)


def test_concordance_takes_times_that_differ_by_rounding_as_tied() -> None:
    found = concordance_of(None, [0.1 + 0.2, 0.3, 1.0], [1, 1, 0], [1.0, 2.0, 0.0])
    assert found.counts["tied_time"].tolist() == [1]


def test_a_perfect_order_has_no_interval_and_neither_has_one_child() -> None:
    perfect = concordance_of(None, [1, 2, 3], [1, 1, 1], [3.0, 2.0, 1.0])
    assert perfect.concordance == 1
    assert np.isnan([perfect.lower, perfect.upper]).all()
    assert "no interval can be given" in perfect.explain()
    one = concordance_of(None, [1, 2, 3], [1, 1, 1], [3.0, 1.0, 2.0], cluster=["a", "a", "a"])
    assert np.isnan([one.se, one.lower]).all()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"stop": []}, "no rows"),
        ({"event": [0, 0, 1]}, "no two rows can be compared"),
        ({"score": [1.0]}, "one number for each row"),
        ({"score": [1.0, np.nan, 2.0]}, "score is not recorded or infinite at position 1"),
        ({"event": [1, 2, 0]}, "0 and 1 only"),
        ({"start": [0, 2, 0]}, "end before or when they start, at position 1"),
        ({"weight": [1, 0, 1]}, "above 0"),
        ({"stratum": [1, None, 1]}, "stratum must hold a value"),
        ({"cluster": ["a"]}, "cluster must hold a value"),
        ({"time_weight": "n/G"}, "Did you mean 'n/G2'"),
        ({"start": [0, 1, 0], "time_weight": "n/G2"}, "all start together"),
    ],
)
def test_concordance_refuses_what_it_cannot_use(changed: dict[str, object], told: str) -> None:
    given_ = {"start": [0, 0, 0], "stop": [1, 2, 3], "event": [1, 1, 0], "score": [1.0, 2.0, 3.0]} | changed
    with pytest.raises(ArgumentRefused, match=told):
        concordance_of(**given_)  # type: ignore[arg-type]


def test_concordance_of_a_model_speaks_of_children_and_strata(intervals: pd.DataFrame, model: RecurrentCox) -> None:
    found = model.concordance()
    said = found.explain()
    assert "(80 children)" in said
    assert "0.5 = chance" not in said
    assert repr(found) == f"Concordance: {model.n_episodes_} episodes in {model.n_rows_} rows"
    row = found.summary().iloc[0]
    assert row["lower"] < row["concordance"] < row["upper"]
    by_home = RecurrentCox(strata="home", cluster=None).fit(intervals, ["care", "age"]).concordance()
    assert by_home.counts["stratum"].tolist() == ["home 0", "home 1", "home 2"]
    assert "3 strata" in by_home.explain()
    assert "independent of one another" in by_home.explain()
    two = RecurrentCox(strata=["home", "age"]).fit(intervals, ["care"]).concordance()
    assert two.counts["stratum"].iloc[0] == "home 0 / 11"
    labels = [text.get_text() for text in by_home.plot().get_yticklabels()]
    assert labels == ["All", "Stratum home 0", "Stratum home 1", "Stratum home 2"]
    assert [text.get_text() for text in found.plot(new_axes(None)).get_yticklabels()] == ["All"]


def test_rows_of_equal_covariates_are_tied_to_the_last_digit(intervals: pd.DataFrame, model: RecurrentCox) -> None:
    score = pd.Series(0.0, index=intervals.index)
    for name in ("care", "age"):
        score = score + (intervals[name] - intervals[name].mean()) * model.coef_[name]
    assert score.nunique() == len(intervals[["care", "age"]].drop_duplicates())
    tied = concordance_of(intervals["start"], intervals["stop"], intervals["event"], score).counts["tied_score"]
    assert model.concordance().counts["tied_score"].tolist() == tied.tolist()


def test_sums_below_and_beside_are_nought_where_there_are_no_points() -> None:
    none, two = np.array([], dtype=np.int64), np.array([0, 1])
    assert sum_dominated(none, none, None, two, two).tolist() == [0, 0]
    assert sum_alike(none, none, None, two, two).tolist() == [0, 0]
    assert concordance_module.count_pairs.__doc__ is not None


# --- predicted means ---------------------------------------------------------------------------------------------


def test_predicted_mean_of_three_children_is_that_worked_out_by_hand() -> None:
    frame = pd.DataFrame(
        {"child_id": ["a", "b", "c"], "start": 0, "stop": [1, 2, 3], "event": [1, 1, 0], "x": [1.0, 0.0, 1.0]}
    )
    with pytest.warns(UserWarning, match="clusters"):
        model = RecurrentCox(ties="breslow").fit(frame, ["x"])
    r = float(np.exp(model.coef_["x"]))
    # Log-likelihood b - log(2 r + 1) - log(1 + r): its slope is nought where 1 = 2r/(2r+1) + r/(1+r), r = 1/sqrt 2.
    assert r == pytest.approx(0.5**0.5)
    table = model.predict_mean(pd.DataFrame({"x": [0.0, 1.0]}), days=[0, 1, 2.5, 3, 4]).table
    first, second = 1 / (2 * r + 1), 1 / (2 * r + 1) + 1 / (1 + r)
    by_hand_ = [0, first, second, second, np.nan, 0, r * first, r * second, r * second, np.nan]
    np.testing.assert_allclose(table["mean_episodes"], by_hand_)
    assert table["at_risk"].tolist() == [0, 3, 1, 1, 0] * 2
    assert table["pattern"].tolist() == [0] * 5 + [1] * 5


def test_predicted_means_are_the_baseline_times_the_relative_rate(model: RecurrentCox) -> None:
    newdata = pd.DataFrame({"care": [0, 1], "age": [13, 16]}, index=["at home", "in care"])
    found = model.predict_mean(newdata)
    for k, (label, part) in enumerate(found.table.groupby("pattern", sort=False)):
        assert label == newdata.index[k]
        expected = model.baseline_["cumulative_hazard"] * np.exp(model.linear_predictor(newdata)[k])
        np.testing.assert_allclose(part["mean_episodes"], expected, rtol=1e-12)
        assert part["days"].tolist() == model.baseline_["days"].tolist()
        assert part["at_risk"].tolist() == model.baseline_["at_risk"].tolist()
    assert (found.table["lower"] < found.table["mean_episodes"]).all()
    assert (found.table["mean_episodes"] < found.table["upper"]).all()


def test_error_of_a_mean_does_not_depend_on_the_unit_or_origin_of_covariates(intervals: pd.DataFrame) -> None:
    plain = RecurrentCox().fit(intervals, ["care", "age"]).predict_mean(pd.DataFrame({"care": [1], "age": [15]}))
    moved = intervals.assign(age=100 - 12 * intervals["age"])
    other = RecurrentCox().fit(moved, ["care", "age"]).predict_mean(pd.DataFrame({"care": [1], "age": [100 - 12 * 15]}))
    for column in ("mean_episodes", "se", "se_survfit"):
        np.testing.assert_allclose(plain.table[column], other.table[column], rtol=1e-8)


def test_strata_named_in_newdata_give_one_curve_each_and_others_one_for_each(intervals: pd.DataFrame) -> None:
    model = RecurrentCox(strata="home").fit(intervals, ["care", "age"])
    newdata = pd.DataFrame({"care": [1, 0], "age": [15, 13], "home": ["home 2", "home 0"]})
    own = model.predict_mean(newdata, days=[100, 200])
    assert own.table[["pattern", "stratum"]].drop_duplicates().to_numpy().tolist() == [[0, "home 2"], [1, "home 0"]]
    every = model.predict_mean(newdata.drop(columns="home"), days=[100, 200])
    assert len(every.table) == 2 * 3 * 2
    both = every.table.merge(own.table, on=["pattern", "stratum", "days"], suffixes=("", "_own"))
    assert len(both) == 4
    pd.testing.assert_series_equal(both["se"], both["se_own"], check_names=False)
    assert "Each stratum (home)" in every.explain()
    axes = every.plot()
    assert axes.get_legend().get_texts()[0].get_text() == "care 1, age 15, home: home 0"
    assert len(axes.lines) == 6
    two = RecurrentCox(strata=["home", "age"]).fit(intervals, ["care"])
    assert (
        two.predict_mean(pd.DataFrame({"care": [1], "home": ["home 1"], "age": [14]})).table["stratum"].nunique() == 1
    )
    with pytest.raises(TableRefused, match="'age' is absent"):
        two.predict_mean(pd.DataFrame({"care": [1], "home": ["home 1"]}))
    with pytest.raises(TableRefused, match="no such stratum as that at position 1"):
        model.predict_mean(newdata.assign(home=["home 1", "home 9"]))


def test_predicted_means_need_the_offset_where_the_model_has_one(intervals: pd.DataFrame) -> None:
    frame = intervals.assign(off=np.log(2) * intervals["care"])
    model = RecurrentCox().fit(frame, ["age"], offset="off")
    both = model.predict_mean(pd.DataFrame({"age": [14, 14], "off": [0.0, np.log(2)]}), days=[200]).table
    assert both["mean_episodes"].iloc[1] == pytest.approx(2 * both["mean_episodes"].iloc[0])
    for newdata in (pd.DataFrame({"age": [14]}), pd.DataFrame({"age": [14], "off": [np.nan]})):
        with pytest.raises(TableRefused, match="'off', the model's offset"):
            model.predict_mean(newdata)


def test_predicted_means_refuse_what_they_cannot_use(model: RecurrentCox) -> None:
    newdata = pd.DataFrame({"care": [1], "age": [14]})
    for days in ([-1], [], [np.nan], [np.inf], ["a"], 30, [[1, 2]]):
        with pytest.raises(ArgumentRefused, match="days must be"):
            model.predict_mean(newdata, days=days)  # type: ignore[arg-type]
    for wrong in (newdata[:0], {"care": 1, "age": 14}):
        with pytest.raises(ArgumentRefused, match="newdata must be a DataFrame"):
            model.predict_mean(wrong)  # type: ignore[arg-type]
    with pytest.raises(TableRefused, match="'age' is absent"):
        model.predict_mean(newdata.drop(columns="age"))
    with pytest.raises(ArgumentRefused, match="not fitted"):
        RecurrentCox().predict_mean(newdata)
    with pytest.raises(ArgumentRefused, match="days must be numbers"):
        model.predict_mean(newdata).at([-1])


def test_many_rows_thin_the_days_of_a_curve_and_labels_that_repeat_are_numbered(
    model: RecurrentCox, monkeypatch: pytest.MonkeyPatch
) -> None:
    newdata = pd.DataFrame({"care": [1, 0], "age": [14, 15]}, index=["same", "same"])
    before = newdata.copy()
    whole = model.predict_mean(newdata)
    pd.testing.assert_frame_equal(newdata, before)
    assert whole.table["pattern"].unique().tolist() == [0, 1]
    monkeypatch.setattr(prediction, "MOST_WORK", 1)
    thin = model.predict_mean(newdata)
    assert len(thin.table) == 2 * 20
    assert thin.table["days"].max() == whole.table["days"].max()
    merged = thin.table.merge(whole.table, on=["pattern", "days"], suffixes=("", "_whole"))
    np.testing.assert_allclose(merged["se"], merged["se_whole"], rtol=1e-12)


def test_curves_are_labelled_by_what_differs_between_them(intervals: pd.DataFrame) -> None:
    frame = intervals.assign(boy=intervals["age"] % 2 == 0)
    model = RecurrentCox().fit(frame, "care + boy + C(home)")

    def labels(newdata: pd.DataFrame) -> list[str]:
        return [text.get_text() for text in model.predict_mean(newdata).plot().get_legend().get_texts()]

    base = {"care": [0, 1], "boy": [True, False], "home": ["home 1", "home 1"]}
    assert labels(pd.DataFrame(base)) == ["care 0, boy: yes", "care 1, boy: no"]
    assert labels(pd.DataFrame(base | {"care": [1, 1], "home": ["home 1", "home 2"]})) == [
        "boy: yes, home: home 1",
        "boy: no, home: home 2",
    ]
    assert labels(pd.DataFrame(base, index=["boys_at_home", "others"])) == ["boys at home", "others"]
    assert labels(pd.DataFrame(base).iloc[[0, 0]]) == ["pattern 0", "pattern 1"]


def test_days_that_were_not_asked_for_are_read_from_the_whole_curve(model: RecurrentCox) -> None:
    newdata = pd.DataFrame({"care": [1], "age": [14]})
    some, whole = model.predict_mean(newdata, days=[100, 300]), model.predict_mean(newdata)
    pd.testing.assert_frame_equal(some.summary(), some.table)
    assert some.summary()["days"].tolist() == [100, 300]
    pd.testing.assert_frame_equal(some.at([28, 90]), whole.at([28, 90]))
    assert len(some.plot().lines[0].get_xdata()) == len(whole.table) + 1


def test_a_curve_is_read_by_its_last_step(model: RecurrentCox) -> None:
    found = model.predict_mean(pd.DataFrame({"care": [1], "age": [14]}))
    read = found.at([0, 28, 400])
    assert read["mean_episodes"].iloc[0] == 0
    assert np.isnan(read["se"].iloc[0])
    step = found.table[found.table["days"] <= 28].iloc[-1]
    assert read["mean_episodes"].iloc[1] == step["mean_episodes"]
    assert np.isnan(read["mean_episodes"].iloc[2])
    assert found.summary()["days"].tolist() == [28, 90, 180, 365]
    assert repr(found).startswith("MeanPrediction: 1 pattern of covariates, from ")
    said = found.explain()
    assert "80 children" in said
    assert "associations in recorded data" in said
    axes = found.plot()
    assert axes.get_legend() is None
    assert axes.get_ylabel() == "Expected episodes per child"


# --- constant rate ratios ----------------------------------------------------------------------------------------


def test_a_rate_ratio_that_changes_is_found_and_shown() -> None:
    changing = RecurrentCox().fit(spells(3, n=300, change=-1.4), ["care", "age"]).schoenfeld_test("identity")
    table = changing.table.set_index("covariate")
    assert table.loc["care", "p_value_robust"] < 0.001
    assert table.loc["age", "p_value_robust"] > 0.01
    care = changing.over_time[changing.over_time["covariate"] == "care"]
    early, late = care[care["to_days"] <= 150], care[care["from_days"] >= 180]
    assert (early["lower"] > late["rate_ratio"].max()).all()
    assert "speaks against a constant rate ratio for care (p below 0.001, by child below 0.001)" in changing.explain()
    axes = changing.plot()
    assert axes.get_ylabel() == "Rate ratio of care"
    assert axes.get_yscale() == "log"


def test_stretches_of_time_cover_all_episodes_once(intervals: pd.DataFrame, model: RecurrentCox) -> None:
    over_time = model.schoenfeld_test().over_time
    care = over_time[over_time["covariate"] == "care"]
    assert care["n_episodes"].sum() == model.n_episodes_
    assert care["from_days"].tolist()[1:] == care["to_days"].tolist()[:-1]
    assert care["to_days"].iloc[-1] == intervals.loc[intervals["event"] == 1, "stop"].max()
    assert len(care) == 6
    ratios = np.log(care["rate_ratio"])
    assert ratios.min() < model.coef_["care"] < ratios.max()


def test_columns_of_one_category_are_tested_together(intervals: pd.DataFrame) -> None:
    test = RecurrentCox().fit(intervals, "care + C(home)").schoenfeld_test()
    assert test.table["covariate"].tolist() == ["C(home)", "care", "all together"]
    assert test.table.set_index("covariate").loc["C(home)", "degrees_of_freedom"] == 2
    assert test.plot(covariate="C(home)[T.home 1]").get_ylabel() == "Rate ratio of home: home 1"
    with pytest.raises(ArgumentRefused, match="Did you mean 'care'"):
        test.plot(covariate="car")
    assert repr(test).startswith("SchoenfeldTest (km): 2 covariates, ")
    pd.testing.assert_frame_equal(test.summary(), test.table)


def test_an_unknown_transform_and_the_logarithm_of_day_nought_are_refused(model: RecurrentCox) -> None:
    with pytest.raises(ArgumentRefused, match="Did you mean 'identity'"):
        model.schoenfeld_test("identiy")  # type: ignore[arg-type]
    early = pd.DataFrame({"child_id": range(40), "start": -5, "stop": np.arange(40) - 3, "event": 1})
    frame = early.assign(x=np.arange(40) % 3)
    with pytest.raises(ArgumentRefused, match="after day 0"):
        RecurrentCox().fit(frame, ["x"]).schoenfeld_test("log")
    assert RecurrentCox().fit(frame, ["x"]).schoenfeld_test("km").over_time["from_days"].iloc[0] == -4


def test_units_of_covariates_do_not_matter_to_the_test(intervals: pd.DataFrame, model: RecurrentCox) -> None:
    plain = model.schoenfeld_test().table
    other = RecurrentCox().fit(intervals.assign(age=intervals["age"] * 1e9), ["care", "age"]).schoenfeld_test().table
    for column in ("statistic", "p_value_robust"):
        np.testing.assert_allclose(plain[column], other[column], rtol=1e-6)


def test_what_cannot_be_tested_is_not_known_and_said_so() -> None:
    early = spells(6, n=120).assign(early=lambda d: (d["care"] == 1) & (d["start"] < 150))
    test = RecurrentCox().fit(early, ["early"]).schoenfeld_test()
    assert test.over_time["rate_ratio"].isna().any()  # nobody differs later in the year
    assert test.over_time["rate_ratio"].notna().any()
    assert test.plot().get_yscale() == "log"
    for singular in (np.ones((2, 2)), np.array([[0.0]]), np.array([[np.nan]])):
        assert np.isnan(_inverse(singular)).all()
    np.testing.assert_allclose(_inverse(np.diag([1e-20, 1e20])), np.diag([1e20, 1e-20]))
    unknown = SchoenfeldTest("km", test.table.assign(p_value_robust=np.nan), test.over_time, 120, 9)
    assert "not known allowing for children" in unknown.explain()


def test_a_change_that_only_the_usual_test_sees_is_worded_so() -> None:
    columns = ["covariate", "statistic", "degrees_of_freedom", "p_value", "p_value_robust"]
    table = pd.DataFrame([("age", 30.0, 1, 1e-7, 0.061), ("all together", 30.0, 1, 1e-7, 0.061)], columns=columns)
    over_time = pd.DataFrame(
        {"covariate": ["age"], "from_days": 0.0, "to_days": 9.0, "rate_ratio": 1.0, "lower": 0.9, "upper": 1.1}
    )
    said = SchoenfeldTest("km", table, over_time, n_children=50, n_episodes=99).explain()
    assert "Allowing for children, it does not speak against" in said
    assert "Only the usual test, which takes episodes as independent, does: age (p below 0.001, by child 0.061)" in said
    assert "p below 0.001 by the usual test, 0.061 allowing for children" in said


# --- influence ---------------------------------------------------------------------------------------------------


def test_a_finding_that_rests_on_one_child_is_told() -> None:
    frame = spells(1, n=60, variance=0)
    heavy = pd.DataFrame({"child_id": "heavy", "start": np.arange(0, 360, 6), "event": 1, "care": 0, "age": 14})
    frame = pd.concat([frame.assign(odd=False), heavy.assign(stop=heavy["start"] + 6, odd=True)])
    model = RecurrentCox().fit(frame, ["care", "odd"])
    table = model.influence().table.set_index(["covariate", "n_left_out"])
    assert table.loc[("odd", 1), "rate_ratio"] > 5
    assert table.loc[("odd", 1), "share"] > 0.8
    assert table.loc["odd", "rate_ratio_without"].isna().all()  # nobody else is odd
    assert table.loc["care", "rate_ratio_without"].notna().all()
    said = model.influence().explain()
    assert "Without those children nothing can be said about odd" in said
    assert "heavy" not in said + repr(model.influence())


def test_influence_refits_and_foretells(intervals: pd.DataFrame, model: RecurrentCox) -> None:
    found = model.influence()
    row = found.table.set_index(["covariate", "n_left_out"]).loc[("care", 1)]
    by_child = model.influence_by_child()
    se = np.sqrt(model.robust_covariance_.loc["care", "care"])
    worst = by_child.loc[by_child["care"].abs().idxmax()]
    assert worst["care"] * se == pytest.approx(row["change_foretold"])
    rest = intervals[intervals["child_id"] != worst["child_id"]]
    again = RecurrentCox().fit(rest, ["care", "age"]).coef_["care"]
    assert row["change"] == pytest.approx(again - model.coef_["care"], abs=1e-8)
    assert row["change_in_errors"] == pytest.approx(row["change"] / se)
    assert row["rate_ratio_without"] == pytest.approx(np.exp(again))
    assert row["change_foretold"] == pytest.approx(row["change"], rel=0.3)


def test_influence_by_child_has_each_child_once_and_adds_up_to_nought(
    intervals: pd.DataFrame, model: RecurrentCox
) -> None:
    found = model.influence_by_child()
    assert sorted(found["child_id"]) == sorted(intervals["child_id"].unique())
    np.testing.assert_allclose(found[["care", "age"]].sum(), 0, atol=1e-9)
    episodes = intervals.groupby("child_id")["event"].sum()
    assert found.set_index("child_id")["n_episodes"].sort_index().tolist() == episodes.sort_index().tolist()
    assert found["furthest"].is_monotonic_decreasing
    # The robust covariance is made of these.
    assert np.square(found["care"]).sum() == pytest.approx(1)


def test_nothing_can_be_said_without_the_only_child_who_went() -> None:
    frame = spells(8, n=12, variance=0).assign(phase=lambda d: d["start"] % 7)
    frame["event"] = frame["event"].where(frame["child_id"] == "k1", 0)
    with pytest.warns(UserWarning, match="clusters"):
        model = RecurrentCox().fit(frame, ["phase"])
    state = state_of(model)
    k1 = np.flatnonzero(
        model.influence_by_child().set_index("child_id")["n_episodes"].reindex([f"k{i}" for i in range(12)]) > 0
    )
    assert np.isnan(_without(state, k1, np.zeros(1))).all()
    assert np.isfinite(_without(state, np.array([5]), np.array([1e9]))).all()  # from afar: begun again from nought
    found = model.influence()
    assert repr(found) == f"Influence: 1 covariate, 12 children, {model.n_episodes_} episodes"
    found = Influence(found.table.assign(change=np.nan, change_in_errors=np.nan), found.intervals, 12, 5)
    assert "The one that moves furthest" not in found.explain()


def test_fitting_again_finds_the_same_from_afar_and_gives_up_where_there_is_nothing(
    intervals: pd.DataFrame, model: RecurrentCox
) -> None:
    likelihood = model._likelihood
    for begin in ([0.0, 0.0], [3.0, -0.5]):
        again = _fit_again(likelihood, np.array(begin))
        assert again is not None
        np.testing.assert_allclose(again, model.coef_, atol=1e-7)
    # A covariate that differs only between strata does not differ among those at risk.
    home = pd.factorize(intervals["home"])[0]
    strata = risk_sets(model.design_.start, model.design_.stop, model.design_.event, home)
    ones = np.ones(len(home))
    flat = Likelihood(home[:, None] - home.mean(), strata, ones, 0 * ones, "efron")
    assert _fit_again(flat, np.zeros(1)) is None
    # One that sets apart those who never go runs off.
    never = (model.design_.event == 0).astype(float)
    apart = Likelihood(never[:, None], risk_sets(0 * ones, ones, never == 0, home), ones, 0 * ones, "efron")
    assert _fit_again(apart, np.zeros(1)) is None


def test_influence_is_drawn_and_worded_without_children(model: RecurrentCox) -> None:
    found = model.influence()
    pd.testing.assert_frame_equal(found.summary(), found.table)
    assert "child_id" not in found.table
    assert repr(found).startswith("Influence: 2 covariates, 80 children, ")
    said = found.explain()
    assert "80 children" in said
    assert "no reason to leave them out" in said
    labels = [text.get_text() for text in found.plot().get_legend().get_texts()]
    assert labels == ["everybody, 95 % interval", "without 1 child", "without 5 children"]


def test_a_finding_that_a_few_turn_round_is_named() -> None:
    frame = spells(7, n=40, variance=0).assign(few=lambda d: d["child_id"].isin([f"k{i}" for i in range(7)]))
    busy = pd.DataFrame({"start": np.arange(0, 364, 14), "event": 1, "care": 1, "age": 14, "few": True})
    busy["stop"] = busy["start"] + 14
    frame = pd.concat([frame, *(busy.assign(child_id=f"busy {i}") for i in range(5))])
    said = RecurrentCox().fit(frame, ["few"]).influence().explain()
    assert "Turned round, though the interval was clear of 1: few" in said


def test_too_few_children_cannot_be_left_out() -> None:
    frame = spells(2, n=5, variance=0)
    with pytest.warns(UserWarning, match="clusters"):
        model = RecurrentCox().fit(frame, ["age"])
    with pytest.raises(ArgumentRefused, match="at least 6"):
        model.influence()
    with pytest.warns(UserWarning, match="clusters"):
        model = RecurrentCox().fit(spells(2, n=8, variance=0), ["age"])
    assert model.influence().table["n_left_out"].tolist() == [1]


def test_those_who_pull_to_one_side_are_chosen() -> None:
    assert furthest(np.array([3.0, -1.0, -2.5, -2.5]), 1).tolist() == [0]
    assert sorted(furthest(np.array([3.0, -1.0, -2.5, -2.5]), 2).tolist()) == [2, 3]


# --- words and drawings ------------------------------------------------------------------------------------------


def test_summary_has_rate_ratios_with_robust_limits(model: RecurrentCox) -> None:
    table = model.summary().set_index("covariate")
    care = table.loc["care"]
    assert care["rate_ratio"] == pytest.approx(np.exp(model.coef_["care"]))
    assert care["se"] == pytest.approx(np.sqrt(model.robust_covariance_.loc["care", "care"]))
    assert care["se_model"] == pytest.approx(np.sqrt(model.covariance_.loc["care", "care"]))
    assert np.log(care["upper"] / care["lower"]) == pytest.approx(2 * 1.959964 * care["se"], rel=1e-6)
    from scipy.stats import norm

    assert care["p_value"] == pytest.approx(2 * norm.sf(abs(care["coef"] / care["se"])))


def test_explain_says_what_on_how_many_and_what_it_does_not_mean(intervals: pd.DataFrame, model: RecurrentCox) -> None:
    said = model.explain()
    assert f"{model.n_episodes_} episodes of 80 children" in said
    assert "79.9 child-years at risk" in said
    assert "care (yes against no) goes with" in said
    assert "associations in recorded data, not effects" in said
    assert "Efron's rule" in said
    for word in ("caused", "because of", "impact", "hazard ratio"):
        assert word not in said
    assert not any(child in said for child in ("k1 ", "k12"))
    late = RecurrentCox(time="gap", cluster=None, strata="home", ties="breslow").fit(intervals, ["age"]).explain()
    assert "from the beginning of each spell" in late
    assert "with the same home" in late
    assert "cluster=None" in late
    assert "Breslow's rule" in late
    zero = pd.concat([intervals, intervals[:2].assign(stop=lambda d: d["start"], event=0)])
    assert "2 rows without length" in RecurrentCox().fit(zero, ["age"]).explain()


def test_explain_of_strata_by_episode_says_that_later_ones_are_selected(intervals: pd.DataFrame) -> None:
    assert "selected by having gone so often" in pwp(intervals, ["care"]).explain()


def test_categories_are_spoken_of_by_their_names(intervals: pd.DataFrame) -> None:
    intervals = intervals.assign(placement=np.where(intervals["care"] == 1, "residential", "at home"))
    model = RecurrentCox().fit(intervals, "C(placement) + age")
    said = model.explain()
    assert "placement: residential (against the first, at home) goes with" in said
    assert "[T." not in said
    labels = [text.get_text() for text in model.plot().get_yticklabels()]
    assert labels == ["placement: residential", "age"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("age", "age"),
        ("C(sex)[T.male]", "sex: male"),
        ("C(sex, Treatment('b'))[T.a]", "sex: a"),
        ("C(Q('hos.cat'))[T.US:NIH]", "hos.cat: US:NIH"),
        ("C(sex)[T.male]:n_moves", "sex: male × n_moves"),
        ("care[T.True]:C(g)[T.np.float64(1.0)]", "care × g: 1.0"),
        ("sex[female]", "sex: female"),
        ("C(x)[S.low]", "x: low"),
        ("log(age)", "log(age)"),
    ],
)
def test_names_of_columns_are_spoken(name: str, words: str) -> None:
    assert spoken(name) == words


def test_a_coefficient_that_runs_off_has_no_limits_in_words_and_drawing() -> None:
    frame = spells(4, n=60).assign(never=lambda d: (d["child_id"] == "k1") | (d["child_id"] == "k2"))
    frame.loc[frame["never"], "event"] = 0
    with pytest.warns(UserWarning, match="never"):
        model = RecurrentCox().fit(frame, ["care", "never"])
    table = model.summary().set_index("covariate")
    assert table.loc["never", ["lower", "upper", "p_value", "se"]].isna().all()
    assert table.loc["care", "lower"] < table.loc["care", "rate_ratio"]
    said = model.explain()
    assert "never" in said
    assert "never (yes against no) goes with" not in said
    axes = model.plot()
    assert [text.get_text() for text in axes.texts][1] == "runs off"
    assert model.influence().table["covariate"].unique().tolist() == ["care"]
    assert model.influence().intervals["covariate"].tolist() == ["care"]
    assert 0.5 < model.concordance().concordance < 1
    assert model.schoenfeld_test().table["covariate"].tolist() == ["care", "never", "all together"]
    curve = model.predict_mean(pd.DataFrame({"care": [1], "never": [0]}), days=[100]).table
    assert curve["mean_episodes"].iloc[0] > 0


def test_a_forest_cuts_off_intervals_that_leave_it_and_writes_figures_beside() -> None:
    axes = new_axes(None)
    forest(axes, ["a", "b", "c"], [1.0, 2.0, np.nan], [0.001, 1.5, np.nan], [1e9, 2.5, np.nan], notes=["x", "y", "z"])
    low, high = axes.get_xlim()
    assert low < 0.01
    assert high > 100
    arrows = [line.get_marker() for line in axes.lines if line.get_marker() in "<>"]
    assert arrows == ["<", ">"]
    assert [text.get_text() for text in axes.texts] == ["x", "y", "z"]
    assert log_axis(new_axes(None), "y", [])[0] < 1
    ticks = new_axes(None)
    log_axis(ticks, "x", [0.9, 1.3])
    assert len(ticks.get_xticks()) >= 3


def test_a_model_whose_only_covariate_runs_off_says_so() -> None:
    frame = spells(4, n=60).assign(never=lambda d: d["child_id"].isin(["k1", "k2"]))
    frame.loc[frame["never"], "event"] = 0
    with pytest.warns(UserWarning, match="never"):
        model = RecurrentCox().fit(frame, ["never"])
    assert "standard errors are" not in model.explain()
    assert model.plot().get_xlim()[0] < 1


def test_plot_draws_where_it_is_told(model: RecurrentCox) -> None:
    axes = new_axes(None)
    assert model.plot(axes) is axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["care", "age"]
    assert repr(state_of(model)).startswith("State: Design: ")
    assert "Rate ratio" in axes.get_xlabel()


def test_large_and_tiny_rate_ratios_keep_digits_in_words(intervals: pd.DataFrame) -> None:
    from missing_patterns.recurrence.cox.words import _ratio

    assert [_ratio(v) for v in (1.0, 0.998, 2.345, 0.00123, 12345.0, np.inf, np.nan)] == [
        "1.00",
        "0.998",
        "2.35",
        "0.0012",
        "1.2e+04",
        "not known",
        "not known",
    ]


def test_nothing_is_changed_in_what_was_given(intervals: pd.DataFrame) -> None:
    before = intervals.copy()
    model = RecurrentCox().fit(intervals, ["care", "age"])
    coef = model.coef_.copy()
    for work in (model.concordance, model.schoenfeld_test, model.influence, model.influence_by_child, model.explain):
        work()
    pd.testing.assert_frame_equal(intervals, before)
    pd.testing.assert_series_equal(model.coef_, coef)


@pytest.mark.parametrize("method", ["concordance", "schoenfeld_test", "influence", "influence_by_child", "summary"])
def test_a_model_that_is_not_fitted_says_so(method: str) -> None:
    with pytest.raises(ArgumentRefused, match="not fitted"):
        getattr(RecurrentCox(), method)()
    with pytest.raises(ArgumentRefused, match="not fitted"):
        state_of(RecurrentCox())
