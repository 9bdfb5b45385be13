"""Whether the mix of triggers changed: planted changes are found, structureless data and lone children are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from missing_patterns.errors import ArgumentRefused
from missing_patterns.patterns import trigger_change


def held(children: list[str], first: int = 0) -> pd.DataFrame:
    ids = [f"i{first + k}" for k in range(len(children))]
    frame = pd.DataFrame({"interview_id": ids, "child_id": children, "status": "completed"})
    return frame.assign(coded_triggers=[()] * len(frame))


def naming(interviews: pd.DataFrame, code: str = "care_move") -> pd.DataFrame:
    return interviews[["interview_id", "child_id"]].assign(code=code, status="present")


def test_shares_difference_and_interval_by_hand() -> None:
    earlier, recent = held([f"A{k}" for k in range(20)]), held([f"B{k}" for k in range(20)], first=20)
    triggers = pd.concat([naming(earlier[:5]), naming(recent[:15])])
    row = trigger_change(triggers, earlier, recent).iloc[0]
    assert row["code"] == "care_move"
    assert (row["n_children_earlier"], row["n_children_recent"]) == (5, 15)
    assert (row["share_earlier"], row["share_recent"], row["difference"]) == (0.25, 0.75, 0.5)
    # One interview a child: the pooled two-sample variance, with 40 / 39 for the number of children.
    se = np.sqrt(0.5 * 0.5 * (1 / 20 + 1 / 20) * 40 / 39)
    assert row["lower"] == pytest.approx(0.5 - 1.96 * se, abs=1e-9)
    assert row["upper"] == pytest.approx(0.5 + 1.96 * se, abs=1e-9)
    assert row["p"] == row["q"]  # no other code could be tested


def test_one_child_with_many_interviews_is_one_child() -> None:
    earlier = held([f"A{k}" for k in range(30)])
    recent = held(["B"] * 30, first=30)
    row = trigger_change(naming(recent), earlier, recent).iloc[0]
    assert row["difference"] == 1.0
    alike = held([f"B{k}" for k in range(30)], first=30)
    apart = trigger_change(naming(alike), earlier, alike).iloc[0]
    assert row["p"] > 1e4 * apart["p"]


def test_a_rare_trigger_is_not_tested_at_all() -> None:
    earlier, recent = held([f"A{k}" for k in range(90)]), held([f"B{k}" for k in range(30)], first=90)
    row = trigger_change(naming(earlier[:8]), earlier, recent).iloc[0]
    assert row["share_recent"] == 0.0
    assert np.isnan([row["p"], row["q"], row["lower"]]).all()


def test_false_findings_stay_rare_when_nothing_changed_and_children_repeat() -> None:
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(40):
        children = [f"C{k}" for k in rng.integers(0, 60, size=240)]
        rate = dict(zip([f"C{k}" for k in range(60)], rng.beta(0.5, 1.5, size=60), strict=True))
        interviews = held(children)
        triggers = pd.concat(
            [
                naming(interviews[[rng.random() < rate[c] for c in children]], code)
                for code in ("care_move", "people_family", "activity_party")
            ]
        )
        recent = rng.random(240) < 0.3
        table = trigger_change(triggers, interviews[~recent], interviews[recent])
        found += bool((table["q"] < 0.05).any())
    assert found <= 6  # nominal 2 of 40


def test_a_period_without_interviews_has_no_share_and_no_test() -> None:
    earlier = held(["A", "B"])
    table = trigger_change(naming(earlier), earlier, held([]), level="domain")
    assert table.loc[table["domain"] == "care", "share_earlier"].tolist() == [1.0]
    assert table["share_recent"].isna().all()
    assert table["q"].isna().all()


def test_order_of_rows_does_not_matter_and_input_is_kept() -> None:
    earlier, recent = held([f"A{k % 9}" for k in range(40)]), held([f"A{k % 7}" for k in range(30)], first=40)
    triggers = pd.concat([naming(earlier[:9]), naming(recent[:20]), naming(recent[5:25], "home_conflict")])
    before = [t.copy() for t in (triggers, earlier, recent)]
    table = trigger_change(triggers, earlier, recent)
    shuffled = [t.sample(frac=1.0, random_state=3) for t in before]
    # Sums run over children in another order, so the last digit may differ.
    pd.testing.assert_frame_equal(trigger_change(*shuffled), table, rtol=1e-12)
    for frame, kept in zip((triggers, earlier, recent), before, strict=True):
        pd.testing.assert_frame_equal(frame, kept)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="level must be"):
        trigger_change(naming(held(["A"])), held(["A"]), held([]), level="kind")
