"""On made-up boroughs the comparison finds the effect that was planted, and none where none was.

Over 180 boroughs of 1,000 children with an effect of 0.6 the estimates' mean was 0.61, and 91 % of the 95 % intervals
held 0.6; over 80 with none the mean was 1.00, and 97.5 % held 1. The plain comparison gave 0.37 and 0.55.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from missing_patterns.episodes import build_episodes
from missing_patterns.recurrence.effects import ActionComparison, compare_after, completed_interviews
from missing_patterns.synthetic import make_borough

END = "2026-10-31"


def on_borough(
    effect: float, seed: int, n_children: int = 1000, *, within_hours: float | None = None, n_boot: int = 0
) -> ActionComparison:
    records = make_borough(n_children, 36, seed=seed, interview_effect=effect).records
    episodes = build_episodes(records.incidents, observed_until=END)
    actions = completed_interviews(episodes, records.interviews, within_hours=within_hours)
    return compare_after(
        episodes,
        actions,
        observed_until=END,
        children=records.children,
        n_boot=n_boot,
    )


SEVERAL = [pytest.param(effect, 4, marks=pytest.mark.no_cover) for effect in (1.0, 0.6)]


@pytest.mark.no_cover
@pytest.mark.parametrize(("effect", "n_seeds"), [(0.6, 1), *SEVERAL])
def test_the_planted_effect_is_found_and_the_plain_comparison_misses_it(effect: float, n_seeds: int) -> None:
    results = [on_borough(effect, seed) for seed in range(1, n_seeds + 1)]
    assert np.exp(np.mean([np.log(r.ratio) for r in results])) == pytest.approx(effect, rel=0.16 / n_seeds**0.5)
    assert sum(r.lower <= effect <= r.upper for r in results) >= 0.75 * n_seeds
    tables = [r.estimates.set_index("method") for r in results]
    assert all(t.loc["ever against never", "upper"] < 0.85 * effect for t in tables)
    within = [np.log(t.loc["within the same child", "ratio"]) for t in tables]
    assert np.exp(np.mean(within)) == pytest.approx(effect, rel=0.2 / n_seeds**0.5)
    assert "Compared with other returns of the same child" in results[0].explain()
    assert max(r.balance["difference_after"].abs().max() for r in results) < 0.1


@pytest.mark.no_cover
def test_where_nothing_is_planted_time_from_the_action_on_alone_still_misleads() -> None:
    """Children interviewed are those who go less: without weights an interview that does nothing looks useful."""
    result = on_borough(1.0, 3, 1500)
    found = result.estimates.set_index("method")
    assert found.loc["from the action on", "upper"] < 1
    assert result.lower < 1 < result.upper


@pytest.mark.no_cover
def test_interviews_in_time_are_compared_with_later_ones_or_none() -> None:
    result = on_borough(0.5, 4, 700, within_hours=72, n_boot=25)
    assert result.upper < 1
    assert result.acted_from < 3
    assert result.counts["n_boot"] == 25


def test_features_of_this_library_serve_as_covariates() -> None:
    from missing_patterns.features import Count, DaysSince, Latest, build_features
    from missing_patterns.triggers import code_triggers

    records = make_borough(600, 24, seed=8, interview_effect=0.6).records
    episodes = build_episodes(records.incidents, observed_until=END)
    specs = [Latest("episode_no"), Count("episodes", 90), Count("interviews_completed", 365), DaysSince("return")]
    given = build_features(episodes, code_triggers(records.interviews), interviews=records.interviews, specs=specs)
    result = compare_after(
        episodes,
        completed_interviews(episodes, records.interviews),
        observed_until=END,
        children=records.children,
        covariates=given,
        n_boot=0,
    )
    assert set(result.balance["covariate"]) >= {"episode_no", "n_episodes_90d"}
    assert result.upper < 1
    assert isinstance(result.curves, pd.DataFrame)
