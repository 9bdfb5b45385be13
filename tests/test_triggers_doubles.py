"""One conversation that two systems hold is one interview; two conversations stay two."""

from __future__ import annotations

import pandas as pd
import pytest

from missing_patterns import drop_bare_interviews
from missing_patterns.errors import TableRefused

HELD = "2026-10-02 16:00"


def interviews(*rows: tuple[str, str, str | None, object]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["interview_id", "status", "held_at", "coded_triggers"])
    return frame.assign(child_id="A")


def links(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["episode_id", "interview_id"])


@pytest.mark.parametrize(
    ("table", "pairs", "kept"),
    [
        # A bare "accepted" beside the interview itself.
        ([("rhi", "completed", HELD, None), ("ssd", "completed", None, None)], [("E", "rhi"), ("E", "ssd")], ["rhi"]),
        # No date, but reasons: it says something.
        ([("rhi", "completed", None, ("x",)), ("ssd", "completed", None, None)], [("E", "rhi"), ("E", "ssd")], ["rhi"]),
        ([("rhi", "completed", None, ()), ("ssd", "completed", None, None)], [("E", "rhi"), ("E", "ssd")], ["rhi"]),
        # The only trace of an interview stays, also beside one that was declined.
        (
            [("rhi", "declined", None, None), ("ssd", "completed", None, None)],
            [("E", "rhi"), ("E", "ssd")],
            ["rhi", "ssd"],
        ),
        # Two that both say something are two.
        ([("a", "completed", HELD, None), ("b", "completed", HELD, None)], [("E", "a"), ("E", "b")], ["a", "b"]),
        # A bare one that also covers another episode stays: it is all that is known of that one.
        (
            [("rhi", "completed", HELD, None), ("ssd", "completed", None, None)],
            [("E", "rhi"), ("E", "ssd"), ("F", "ssd")],
            ["rhi", "ssd"],
        ),
        # Unlinked, nothing is known to be double.
        ([("rhi", "completed", HELD, None), ("ssd", "completed", None, None)], [], ["rhi", "ssd"]),
    ],
)
def test_who_stays(
    table: list[tuple[str, str, str | None, object]], pairs: list[tuple[str, str]], kept: list[str]
) -> None:
    given = interviews(*table)
    before = given.copy()
    got = drop_bare_interviews(given, links(*pairs))
    assert got["interview_id"].tolist() == kept
    assert got.attrs["accounting"] == {
        "n_interviews": len(table),
        "n_kept": len(kept),
        "n_bare": len(table) - len(kept),
    }
    pd.testing.assert_frame_equal(given, before)


def test_interviews_without_an_id_are_refused() -> None:
    with pytest.raises(TableRefused, match="interview_id"):
        drop_bare_interviews(interviews(("a", "completed", None, None)).assign(interview_id=None), links())
