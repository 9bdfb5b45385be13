"""Links and triggers against plain twins: pandas explode, merge and merge_asof, and a loop over rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_patterns.codebook import ANSWERS_NOT_TRIGGERS, read_codebook
from missing_patterns.schema import EPISODES, INTERVIEWS, LINKS, LONDON, TRIGGERS, conform
from missing_patterns.triggers import code_triggers, link_interviews, lists, triggers_known
from missing_patterns.triggers.linking import find_links

BOOK = read_codebook()
ANSWERS = {*ANSWERS_NOT_TRIGGERS.values(), "unmapped"}


def plain_when_known(times: pd.Series) -> pd.Series:
    midnight = times.dt.normalize()
    return times.where(times != midnight, (midnight + pd.Timedelta(hours=36)).dt.normalize())


def plain_links(episodes: pd.DataFrame, interviews: pd.DataFrame, within_days: int) -> pd.DataFrame:
    episodes, interviews = conform(episodes, EPISODES), conform(interviews, INTERVIEWS)
    held, named = (
        pd.DataFrame({name: range(len(t)), "child_id": t["child_id"].astype(object), "incident_id": t["incident_ids"]})
        .explode("incident_id")
        .dropna(subset=["incident_id"])
        for name, t in (("episode", episodes), ("interview", interviews))
    )
    pairs = named.merge(held, "left", on="incident_id", suffixes=("", "_of"))
    not_found = pairs["episode"].isna()
    other_child = ~not_found & (pairs["child_id"] != pairs["child_id_of"])
    by_incident = pairs.loc[~not_found & ~other_child, ["interview", "episode"]].drop_duplicates()
    names_any = np.array([bool(ids) for ids in interviews["incident_ids"]], dtype=bool)
    by_time = plain_links_by_time(episodes, interviews[~names_any], within_days)
    links = pd.concat([by_incident.assign(linked_by="incident"), by_time.assign(linked_by="time")], ignore_index=True)
    links = links.astype({"interview": "int64", "episode": "int64"}).sort_values(["interview", "episode"])
    result = conform(
        pd.DataFrame(
            {
                "episode_id": episodes["episode_id"].iloc[links["episode"]].to_numpy(),
                "interview_id": interviews["interview_id"].iloc[links["interview"]].to_numpy(),
                "linked_by": links["linked_by"].to_numpy(),
            }
        ),
        LINKS,
    )
    n_by_incident, n_by_time = by_incident["interview"].nunique(), by_time["interview"].nunique()
    result.attrs["accounting"] = {
        "n_interviews": len(interviews),
        "n_by_incident": n_by_incident,
        "n_by_time": n_by_time,
        "n_unlinked": len(interviews) - n_by_incident - n_by_time,
        "n_links": len(result),
        "n_incidents_not_found": int(not_found.sum()),
        "n_incidents_of_another_child": int(other_child.sum()),
    }
    return result


def plain_links_by_time(episodes: pd.DataFrame, interviews: pd.DataFrame, within_days: int) -> pd.DataFrame:
    stamp = interviews["held_at"].fillna(interviews["offered_at"])
    asked = pd.DataFrame(
        {
            "interview": interviews.index,
            "child_id": interviews["child_id"].astype(object),
            "at": plain_when_known(stamp),
            "on": stamp.dt.tz_localize(None).dt.normalize(),
        }
    ).dropna(subset=["at"])
    returns = pd.DataFrame(
        {
            "episode": range(len(episodes)),
            "child_id": episodes["child_id"].astype(object),
            "at": episodes["returned_at"],
            "returned_on": episodes["returned_at"].dt.tz_localize(None).dt.normalize(),
        }
    ).dropna(subset=["at"])
    last = pd.merge_asof(
        asked.sort_values("at", kind="stable"), returns.sort_values("at", kind="stable"), on="at", by="child_id"
    )
    near = (last["on"] - last["returned_on"]).dt.days <= within_days
    return last.loc[near, ["interview", "episode"]]


def plain_triggers(interviews: pd.DataFrame) -> pd.DataFrame:
    table = conform(interviews, INTERVIEWS)
    rows: list[list[object]] = []
    counts: Counter[str] = Counter()
    known_at = plain_when_known(table["held_at"])
    for row, items in enumerate(table["coded_triggers"]):
        for item, times in Counter(items or ()).items():
            counts["items"] += times
            if item in BOOK.domains:
                status = "suspected" if BOOK.domains[item] == "exploitation" else "present"
                keys = [table["interview_id"][row], table["child_id"][row]]
                rows.append([*keys, item, status, "coded", "worker", known_at[row]])
                counts["repeated"] += times - 1
            else:
                counts["answers" if item in ANSWERS else "not_in_codebook"] += times
    columns = ["interview_id", "child_id", "code", "status", "origin", "voice", "known_at"]
    result = conform(pd.DataFrame(rows, columns=columns), TRIGGERS)
    main = table["primary_trigger"].fillna("")
    listed = [m in (items or ()) for m, items in zip(main, table["coded_triggers"], strict=True)]
    result.attrs["accounting"] = {
        "n_interviews": len(table),
        "n_known": sum(plain_known(table)),
        "n_items": counts["items"],
        "n_coded": len(result),
        "n_repeated": counts["repeated"],
        "n_answers": counts["answers"],
        "n_not_in_codebook": counts["not_in_codebook"],
        "n_primary_not_listed": int((main.isin(BOOK.codes) & ~np.array(listed, dtype=bool)).sum()),
    }
    return result


def plain_known(table: pd.DataFrame) -> list[bool]:
    return [t is not None and (not t or bool(set(BOOK.codes) & set(t))) for t in table["coded_triggers"]]


#: Few children, incidents and stamps, so that ties, doubles and strangers are common; among the stamps are midnights
#: and both changes of the clocks, with the hour that stands twice.
CHILDREN = st.sampled_from(["A", "B", "C"])
STAMPS = st.sampled_from(
    [
        *["2026-03-28T00:00Z", "2026-03-29T00:00Z", "2026-03-29T00:59Z", "2026-03-29T01:00Z", "2026-03-29T23:00Z"],
        *["2026-10-24T23:00Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "2026-10-26T00:00Z", "2026-10-26T00:01Z"],
        *["2026-10-11T23:00Z", "2026-10-12T10:00Z", "2026-04-12T10:00Z"],
    ]
)
INCIDENTS = st.lists(st.sampled_from("123456789"), max_size=3).map(tuple)
NAMES = st.sampled_from(
    ["home_conflict", "people_family", "exploitation_sexual", "unknown", "asked_none", "unmapped", "gone"]
)
EPISODE = st.tuples(CHILDREN, st.none() | STAMPS, st.none() | INCIDENTS)
INTERVIEW = st.tuples(
    CHILDREN,
    st.none() | INCIDENTS,
    st.none() | STAMPS,
    st.none() | STAMPS,
    st.none() | st.lists(NAMES, max_size=4).map(tuple),
    st.none() | NAMES,
)


def stamps(values: list[str | None]) -> pd.Series:
    return pd.Series(pd.to_datetime(values, utc=True)).dt.tz_convert(LONDON)


def episodes_of(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    child, returned, incidents = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {
            "episode_id": [f"E{i}" for i in range(len(rows))],
            "child_id": pd.Series(child, dtype=object),
            "missing_from": stamps(["2026-03-01T00:00Z"] * len(rows)),
            "returned_at": stamps(list(returned)),
            "incident_ids": pd.Series(incidents, dtype=object),
        }
    )


def interviews_of(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    child, incidents, offered, held, triggers, main = zip(*rows, strict=True) if rows else ((),) * 6
    return pd.DataFrame(
        {
            "interview_id": [f"R{i}" for i in range(len(rows))],
            "child_id": pd.Series(child, dtype=object),
            "incident_ids": pd.Series(incidents, dtype=object),
            "offered_at": stamps(list(offered)),
            "held_at": stamps(list(held)),
            "coded_triggers": pd.Series(triggers, dtype=object),
            "primary_trigger": pd.Series(main, dtype=object),
        }
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(EPISODE, max_size=8), st.lists(INTERVIEW, max_size=8), st.sampled_from([0, 1, 14]))
def test_links_and_their_counts_are_those_of_merging(
    ended: list[tuple[object, ...]], asked: list[tuple[object, ...]], within_days: int
) -> None:
    episodes, interviews = episodes_of(ended), interviews_of(asked)
    found = link_interviews(episodes, interviews, within_days)
    plain = plain_links(episodes, interviews, within_days)
    pd.testing.assert_frame_equal(found, plain)
    assert found.attrs == plain.attrs

    child, levels = pd.factorize(episodes["child_id"])
    codes = (child.astype(np.int64), pd.Index(levels, dtype=object).get_indexer(interviews["child_id"].astype(object)))
    tables = conform(episodes, EPISODES), conform(interviews, INTERVIEWS)
    for numbered in (None, codes):
        links = find_links(*tables, within_days, numbered)
        assert [f"E{i}" for i in links.episode] == plain["episode_id"].tolist()
        assert [f"R{i}" for i in links.interview] == plain["interview_id"].tolist()
        assert links.by_time.tolist() == (plain["linked_by"] == "time").tolist()


@settings(deadline=None, max_examples=40)
@given(st.lists(INTERVIEW, max_size=8))
def test_triggers_and_their_counts_are_those_of_a_loop(asked: list[tuple[object, ...]]) -> None:
    interviews = interviews_of(asked)
    found, plain = code_triggers(interviews), plain_triggers(interviews)
    pd.testing.assert_frame_equal(found, plain)
    assert found.attrs == plain.attrs
    assert triggers_known(interviews).tolist() == plain_known(conform(interviews, INTERVIEWS))


def test_texts_of_one_hash_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "hash", len, raising=False)
    assert lists.number_text(["ab", "a", "cd", "b", "ab"]).tolist() == [0, 1, 2, 3, 0]
    assert lists.number_text([]).tolist() == []


def test_an_incident_of_two_episodes_and_one_named_twice() -> None:
    episodes = episodes_of([("A", None, ("1", "2")), ("A", None, ("2", "2")), ("B", None, ("2",))])
    found = link_interviews(episodes, interviews_of([("A", ("2", "2", "9"), None, None, None, None)]))
    assert found["episode_id"].tolist() == ["E0", "E1"]
    assert found.attrs["accounting"]["n_incidents_of_another_child"] == 2
    assert found.attrs["accounting"]["n_incidents_not_found"] == 1
