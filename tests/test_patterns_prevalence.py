"""Trigger counts and shares: which interviews count, what they named, and with what uncertainty."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from missing_patterns import patterns
from missing_patterns.codebook import read_codebook
from missing_patterns.errors import ArgumentRefused, TableRefused
from missing_patterns.patterns import child_trigger_counts, trigger_prevalence
from missing_patterns.patterns.prevalence import wilson

NONE = ()
BLANK = None


def interviews(text: str) -> pd.DataFrame:
    """One interview per line: id, child, status, coded triggers ("()" asked and none, "-" not recorded)."""
    rows = [line.split() for line in text.strip().splitlines()]
    coded = [{"()": NONE, "-": BLANK}.get(r[3], tuple(r[3].split(";"))) for r in rows]
    return pd.DataFrame(
        {
            "interview_id": [r[0] for r in rows],
            "child_id": [r[1] for r in rows],
            "status": [r[2] for r in rows],
            "coded_triggers": pd.Series(coded, dtype=object),
        }
    )


def triggers(text: str) -> pd.DataFrame:
    rows = [line.split() for line in text.strip().splitlines()]
    return pd.DataFrame(rows, columns=["interview_id", "child_id", "code", "status"])


INTERVIEWS = interviews("""
    I1  A  completed          home_conflict;people_friends
    I2  A  completed          home_conflict
    I3  A  completed_partial  ()
    I4  B  completed          exploitation_criminal
    I5  B  completed          -
    I6  C  completed          unknown
    I7  C  covered_by_other   home_conflict
    I8  D  declined           -
    I9  D  declined           home_conflict
""")
TRIGGERS = triggers("""
    I1  A  home_conflict          present
    I1  A  people_friends           present
    I1  A  people_family            denied
    I2  A  home_conflict          present
    I4  B  exploitation_criminal  suspected
    I7  C  home_conflict          present
    I9  D  home_conflict          present
    I2  A  local_code             present
""")


def row(table: pd.DataFrame, name: str, column: str = "code") -> pd.Series:
    return table[table[column] == name].iloc[0]


def test_only_interviews_held_in_their_own_right_with_known_triggers_are_the_denominator():
    table = trigger_prevalence(TRIGGERS, INTERVIEWS)
    assert set(table["n_known"]) == {4}  # I1 I2 I3 I4
    assert set(table["n_unknown"]) == {2}  # I5 blank, I6 answered "unknown"
    assert set(table["n_children_known"]) == {2}
    assert table.attrs["n_not_held_with_triggers"] == 2  # I7 would count twice, I9 was declined
    assert table.attrs["n_not_in_codebook"] == 1
    assert "not causes" in table.attrs["note"]


def test_counts_and_shares_by_hand():
    table = trigger_prevalence(TRIGGERS, INTERVIEWS)
    assert len(table) == 41
    columns = ["code", "n_interviews", "n_suspected", "n_children", "share"]
    assert table[columns].head(3).to_numpy().tolist() == [
        ["home_conflict", 2, 0, 1, 0.5],
        ["people_friends", 1, 0, 1, 0.25],
        ["exploitation_criminal", 1, 1, 1, 0.25],
    ]
    assert row(table, "people_family")["n_interviews"] == 0  # denied is not named
    assert row(table, "people_family")["lower"] == 0.0
    assert row(table, "home_conflict")["label"] == "Arguments at home"
    assert row(table, "home_conflict")["side"] == "push"


def test_a_domain_is_named_once_however_many_of_its_codes():
    two = pd.concat([TRIGGERS, triggers("I1 A home_change suspected")])
    table = trigger_prevalence(two, INTERVIEWS, level="domain")
    assert len(table) == 10
    home = row(table, "home", "domain")
    assert (home["n_interviews"], home["n_suspected"], home["n_children"]) == (2, 0, 1)
    assert home["label"] == "Home and family"
    assert "code" not in table.columns


def test_ticked_and_written_is_named_once_and_present_outranks_suspected():
    twice = pd.concat([triggers("I2 A home_conflict suspected"), TRIGGERS])
    home = row(trigger_prevalence(twice, INTERVIEWS), "home_conflict")
    assert (home["n_interviews"], home["n_suspected"]) == (2, 0)


def test_wilson_interval_is_the_one_of_statsmodels():
    k, n = np.array([0.0, 1, 5, 9, 10]), np.full(5, 10.0)
    lower, upper = wilson(k, n)
    expected = proportion_confint(k, n, method="wilson")
    np.testing.assert_allclose(lower, expected[0], atol=1e-12)
    np.testing.assert_allclose(upper, expected[1], atol=1e-12)
    assert np.isnan(wilson(np.array([0.0]), np.array([0.0]))).all()


def test_design_effect_by_hand_widens_the_interval():
    # A says it in both interviews, B in neither: two children, not four answers.
    held = interviews("""
        I1 A completed home_conflict
        I2 A completed home_conflict
        I3 B completed ()
        I4 B completed ()
    """)
    named = triggers("""
        I1 A home_conflict present
        I2 A home_conflict present
    """)
    home = row(trigger_prevalence(named, held), "home_conflict")
    # residuals 2 - 2 * .5 = 1 and -1: variance (1 + 1) * 2 / 1 / 16 = .25; separate: .5 * .5 / 4 = .0625
    assert home["design_effect"] == 4.0
    assert home["lower_children"] < home["lower"] < 0.5 < home["upper"] < home["upper_children"]
    expected = proportion_confint(0.5, 1.0, method="wilson")
    assert home["lower_children"] == pytest.approx(expected[0], abs=1e-12)
    assert np.isnan(row(trigger_prevalence(named, held), "care_move")["design_effect"])


def test_one_child_has_no_design_effect_and_no_interview_no_share():
    one = trigger_prevalence(TRIGGERS, INTERVIEWS.head(3))
    assert one["design_effect"].isna().all()
    assert one["lower_children"].tolist() == one["lower"].tolist()
    none = trigger_prevalence(TRIGGERS.head(0), INTERVIEWS.head(0))
    assert len(none) == 41
    assert none["n_interviews"].sum() == 0
    assert none[["share", "lower", "upper"]].isna().all(axis=None)


def test_a_councils_own_codebook_is_used():
    local = read_codebook().amend(
        added=[{"code": "local_code", "domain": "local", "side": "pull"}], retired=["people_friends"]
    )
    table = trigger_prevalence(TRIGGERS, INTERVIEWS, local)
    assert row(table, "local_code")["n_interviews"] == 1
    assert "people_friends" not in table["code"].tolist()
    assert table.attrs["n_not_in_codebook"] == 1  # the retired one


def test_refusals():
    with pytest.raises(ArgumentRefused, match="level must be 'code' or 'domain'"):
        trigger_prevalence(TRIGGERS, INTERVIEWS, level="side")  # type: ignore[arg-type]
    with pytest.raises(TableRefused, match="'interview_id' is blank at position 0"):
        trigger_prevalence(TRIGGERS, INTERVIEWS.drop(columns="interview_id").head(1))
    with pytest.raises(TableRefused, match="column 'child_id' is absent"):
        child_trigger_counts(TRIGGERS, INTERVIEWS.drop(columns="child_id"))


def test_inputs_are_not_modified():
    before = TRIGGERS.copy(deep=True), INTERVIEWS.copy(deep=True)
    trigger_prevalence(TRIGGERS, INTERVIEWS)
    child_trigger_counts(TRIGGERS, INTERVIEWS)
    pd.testing.assert_frame_equal(TRIGGERS, before[0])
    pd.testing.assert_frame_equal(INTERVIEWS, before[1])


def test_child_counts_are_k_of_m():
    table = child_trigger_counts(TRIGGERS, INTERVIEWS, level="code")
    assert table.counts.index.tolist() == ["A", "B"]
    assert table.counts.loc["A", ["home_conflict", "people_friends", "people_family"]].tolist() == [2, 1, 0]
    assert table.trials.loc["A"].unique().tolist() == [3]
    assert table.trials.loc["B"].unique().tolist() == [1]
    domains = child_trigger_counts(TRIGGERS, INTERVIEWS)
    assert domains.counts.loc["A", "home"] == 2
    assert repr(domains) == "TriggerCounts: 2 children, 10 items"


def test_child_counts_of_nothing():
    table = child_trigger_counts(TRIGGERS.head(0), INTERVIEWS.head(0))
    assert table.counts.shape == table.trials.shape == (0, 10)


def test_relabelled_ids_and_row_order_change_nothing():
    plain = trigger_prevalence(TRIGGERS, INTERVIEWS)
    shuffled = trigger_prevalence(
        TRIGGERS.iloc[::-1].assign(child_id="?"),  # the interviews say whose they are
        INTERVIEWS.sample(frac=1, random_state=1).assign(child_id=lambda f: "X" + f["child_id"]),
    )
    numbers = plain.select_dtypes("number").columns
    a, b = plain.set_index("code")[numbers].sort_index(), shuffled.set_index("code")[numbers].sort_index()
    pd.testing.assert_frame_equal(a, b)


CODES = ("home_conflict", "home_change", "people_friends", "care_move")
A_ROW = st.tuples(
    st.sampled_from("ABCD"),
    st.sampled_from(["completed", "completed_partial", "covered_by_other", "declined"]),
    st.one_of(st.none(), st.lists(st.sampled_from(CODES), unique=True, max_size=3)),
)


@settings(deadline=None, max_examples=20)
@given(st.lists(A_ROW, max_size=8))
def test_a_slow_plain_twin_counts_the_same(rows: list[tuple[str, str, list[str] | None]]):
    held = pd.DataFrame(
        {
            "interview_id": [f"I{i}" for i in range(len(rows))],
            "child_id": [r[0] for r in rows],
            "status": [r[1] for r in rows],
            "coded_triggers": pd.Series([None if r[2] is None else tuple(r[2]) for r in rows], dtype=object),
        }
    )
    named = [(f"I{i}", r[0], code, "present") for i, r in enumerate(rows) for code in r[2] or ()]
    table = trigger_prevalence(pd.DataFrame(named, columns=TRIGGERS.columns), held, level="domain").set_index("domain")
    counts = child_trigger_counts(pd.DataFrame(named, columns=TRIGGERS.columns), held)

    domains = read_codebook().domains
    known = [r for r in rows if r[1] in ("completed", "completed_partial") and r[2] is not None]
    assert counts.counts.index.tolist() == sorted({r[0] for r in known})
    for domain in ("home", "people", "care", "school"):
        naming = [r for r in known if domain in {domains[c] for c in r[2] or ()}]
        assert table.loc[domain, "n_interviews"] == len(naming)
        assert table.loc[domain, "n_children"] == len({r[0] for r in naming})
        assert table.loc[domain, "n_known"] == len(known)
        for child in counts.counts.index:
            assert counts.counts.loc[child, domain] == sum(r[0] == child for r in naming)
            assert counts.trials.loc[child, domain] == sum(r[0] == child for r in known)


def test_importing_the_package_stays_light():
    code = (
        "import sys, missing_patterns.patterns; "
        "print(sorted({'sklearn', 'matplotlib', 'statsmodels', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'TriggerTipes'"):
        _ = patterns.TriggerTipes
