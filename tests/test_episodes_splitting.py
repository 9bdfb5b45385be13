"""Time at risk cut where what is known of a child changes: rules as tables, a slow plain twin, relations."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from risk_example import STARTS, Plain, World, columns_of, plain, worlds

from missing_patterns.episodes import build_episodes, to_counting_process
from missing_patterns.errors import TableRefused

UNTIL = "2026-01-31"

EPISODES = pd.DataFrame(
    [["A", "2026-01-05 12:00", "2026-01-06 00:00"], ["A", "2026-01-16 00:00", "2026-01-17 00:00"]],
    columns=["child_id", "missing_from", "returned_at"],
)


def placements(text: str) -> pd.DataFrame:
    """One spell a line: child, first day, last day ("-" = still there), then name=value."""
    rows = []
    for line in text.strip().splitlines():
        child, start, end, *more = [part.strip() for part in line.split("|")]
        row: dict[str, str | None] = {
            "child_id": child,
            "started_on": f"2026-{start}",
            "ended_on": None if end == "-" else f"2026-{end}",
        }
        rows.append(row | {"in_area": None, **dict(part.split("=") for part in more)})
    return pd.DataFrame(rows).assign(in_area=lambda d: d["in_area"].map({"yes": True, "no": False, None: None}))


def triggers(text: str) -> pd.DataFrame:
    """One line each: child, code, status, known at ("-" = never)."""
    rows = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    frame = pd.DataFrame(rows, columns=["child_id", "code", "status", "known_at"])
    frame["known_at"] = [None if k == "-" else f"2026-{k}" for k in frame["known_at"]]
    return frame.assign(interview_id=[str(i) for i in range(len(frame))])


def told(frame: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    wanted = frame[["start", "stop", "event", *columns]].astype(object)
    wanted = wanted.where(wanted.notna(), None)
    return [tuple(round(v, 4) if isinstance(v, float) else v for v in row) for row in wanted.itertuples(index=False)]


def test_a_spell_is_cut_where_the_placement_known_changes_and_the_episode_stands_on_the_last_piece() -> None:
    moved = placements("""
        A | 01-02 | 01-09 | placement_type=foster         | in_area=yes
        A | 01-09 | -     | placement_type=childrens_home | in_area=no
    """)
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=moved)
    assert told(cut, "placement_type", "in_area", "n_moves", "episode_no", "ended_by") == [
        (0.0, 4.0, 0, "foster", True, 0, 2, None),  # what began on the 9th is known when the 9th is over
        (4.0, 10.0, 1, "childrens_home", False, 1, 2, "episode"),
        (11.0, 26.0, 0, "childrens_home", False, 1, 3, "end_of_data"),
    ]
    counted = cut.attrs["accounting"]
    assert (counted["n_spells"], counted["n_cuts"], len(cut)) == (2, 1, 3)
    assert (counted["n_placements"], counted["n_placements_used"], counted["n_placements_of_others"]) == (2, 2, 0)


def test_nothing_is_cut_where_no_covariate_changes() -> None:
    same = placements("""
        A | 01-02 | 01-09 | placement_type=foster | legal_status=C2
        A | 01-09 | -     | placement_type=foster | legal_status=E1
    """)
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=same)
    assert told(cut, "placement_type", "n_moves") == [(0.0, 10.0, 1, "foster", 0), (11.0, 26.0, 0, "foster", 0)]
    assert cut.attrs["accounting"]["n_cuts"] == 0


def test_a_move_to_a_placement_of_the_same_kind_is_a_change() -> None:
    same = placements("""
        A | 01-02 | 01-09 | placement_type=foster | home_id=H1
        A | 01-09 | -     | placement_type=foster | home_id=H2
    """)
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=same)
    assert [row[-1] for row in told(cut, "n_moves")] == [0, 1, 1]


def test_after_the_day_of_leaving_without_another_the_placement_is_blank() -> None:
    left = placements("""
        A | 01-02 | 01-08 | placement_type=foster | in_area=yes
        A | 01-19 | 01-19 | placement_type=health | in_area=yes
        A | 01-21 | -     | placement_type=foster | in_area=yes
    """)
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=left)
    assert told(cut, "placement_type", "in_area", "n_moves") == [
        (0.0, 3.0, 0, "foster", True, 0),
        (3.0, 10.0, 1, None, None, 0),
        (11.0, 14.0, 0, None, None, 0),
        (14.0, 16.0, 0, None, None, 1),  # a placement of one day was over before it could be known
        (16.0, 26.0, 0, "foster", True, 2),
    ]


def test_of_two_spells_alike_in_all_but_their_end_the_longer_stands_whatever_their_order() -> None:
    twice = placements("""
        A | 01-02 | -     | placement_type=foster
        A | 01-02 | 01-08 | placement_type=foster
        B | 01-02 | -     | placement_type=secure
    """)
    for table in (twice, twice[::-1]):
        cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=table)
        assert cut["placement_type"].tolist() == ["foster", "foster"]
        assert cut.attrs["accounting"]["n_placements_of_others"] == 1


def test_a_placement_of_part_of_a_day_comes_before_the_one_that_lasted() -> None:
    both = placements("""
        A | 01-02 | -     | placement_type=foster
        A | 01-02 | 01-02 | placement_type=secure
    """)
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=both)
    assert told(cut, "placement_type", "n_moves") == [(0.0, 10.0, 1, "foster", 1), (11.0, 26.0, 0, "foster", 1)]


def test_a_placement_that_ended_before_it_began_is_over_when_it_is_known() -> None:
    wrong = placements("A | 01-19 | 01-10 | placement_type=foster")
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=wrong)
    assert told(cut, "placement_type") == [(0.0, 10.0, 1, None), (11.0, 26.0, 0, None)]


def test_a_change_while_missing_is_known_at_the_next_start_and_one_before_entry_at_the_first() -> None:
    moved = placements("""
        A | 01-05 | 01-15 | placement_type=foster
        A | 01-16 | -     | placement_type=secure
    """)
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=moved)
    assert told(cut, "placement_type") == [(0.0, 10.0, 1, "foster"), (11.0, 26.0, 0, "secure")]
    # Left on the 15th, so blank from midnight: at that moment the child goes, which the piece before leads up to.


def test_codes_count_from_when_they_are_first_known_and_what_was_denied_does_not() -> None:
    named = triggers("""
        A | peer_influence   | present      | 01-09 12:00
        A | home_conflict    | suspected    | 01-09 12:00
        A | home_conflict    | present      | 01-12 12:00
        A | school_problem   | denied       | 01-08 12:00
        A | bereavement      | present      | -
        B | mental_health    | present      | 01-08 12:00
        A | running_to       | not_recorded | 01-08 12:00
        A | boundary_testing | present      | 01-16 00:00
    """)
    cut = to_counting_process(EPISODES, observed_until=UNTIL, triggers=named)
    flags = ["bereavement", "boundary_testing", "home_conflict", "mental_health", "peer_influence"]
    assert cut.columns.tolist() == [
        *["child_id", "start", "stop", "event", "episode_no", "ended_by"],
        *[f"ever_{code}" for code in flags],
    ]
    assert told(cut, *[f"ever_{code}" for code in flags]) == [
        (0.0, 3.5, 0, False, False, False, False, False),
        (3.5, 10.0, 1, False, False, True, False, True),
        (11.0, 26.0, 0, False, True, True, False, True),  # named at the very moment of going: known from then on
    ]
    counted = cut.attrs["accounting"]
    assert {k: n for k, n in counted.items() if k.startswith("n_triggers")} == {
        "n_triggers": 8,
        "n_triggers_used": 4,
        "n_triggers_not_named": 2,
        "n_triggers_never_known": 1,
        "n_triggers_of_others": 1,
    }


def test_placements_and_triggers_that_change_at_one_moment_make_one_cut() -> None:
    moved = placements("A | 01-09 | - | placement_type=foster")
    named = triggers("A | home_conflict | present | 01-10 00:00")
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=moved, triggers=named)
    assert told(cut, "placement_type", "ever_home_conflict") == [
        (0.0, 4.0, 0, None, False),
        (4.0, 10.0, 1, "foster", True),
        (11.0, 26.0, 0, "foster", True),
    ]


def test_with_dates_only_what_becomes_known_during_a_day_counts_from_the_next() -> None:
    table = pd.DataFrame(
        [["A", "2026-01-05", "2026-01-06"], ["A", "2026-01-10", "2026-01-10"], ["A", "2026-01-10", "2026-01-11"]],
        columns=["child_id", "missing_from", "returned_at"],
    ).assign(precision="day")
    named = triggers("""
        A | home_conflict  | present | 01-08 00:00
        A | peer_influence | present | 01-08 00:01
        A | bereavement    | present | 01-09 10:00
    """)
    cut = to_counting_process(table, observed_until=UNTIL, triggers=named)
    assert told(cut, "ever_home_conflict", "ever_peer_influence", "ever_bereavement") == [
        (0.0, 2.0, 0, False, False, False),
        (2.0, 3.0, 0, True, False, False),
        (3.0, 4.0, 1, True, True, False),
        (4.0, 4.0007, 1, True, True, True),  # back and gone again on the 10th: a minute, and never cut
        (5.0, 26.0, 0, True, True, True),
    ]


def test_a_spell_that_was_given_its_minute_knows_no_more_than_at_its_true_moment() -> None:
    table = pd.DataFrame(
        [["A", "2026-01-05 12:00", "2026-01-06 12:00"], ["A", "2026-01-06 12:00", "2026-01-06 18:00"]],
        columns=["child_id", "missing_from", "returned_at"],
    )
    named = triggers("A | home_conflict | present | 01-06 12:00:20")
    cut = to_counting_process(table, observed_until=UNTIL, triggers=named)
    assert told(cut, "ever_home_conflict") == [(0.0, 0.0007, 1, False), (0.25, 25.5, 0, True)]


def test_a_spell_that_was_moved_on_by_a_minute_before_it_knows_no_more_either() -> None:
    table = pd.DataFrame(
        [
            ["A", "2026-01-05 12:00:00", "2026-01-06 12:00:00"],
            ["A", "2026-01-06 12:00:00", "2026-01-06 12:00:20"],
            ["A", "2026-01-06 12:00:40", "2026-01-06 18:00:00"],
        ],
        columns=["child_id", "missing_from", "returned_at"],
    )
    named = triggers("A | home_conflict | present | 01-06 12:00:50")
    cut = to_counting_process(table, observed_until=UNTIL, triggers=named)
    assert told(cut, "ever_home_conflict") == [
        (0.0, 0.0007, 1, False),
        (0.0007, 0.0014, 1, False),
        (0.25, 25.5, 0, True),
    ]


def test_without_rows_the_columns_are_there() -> None:
    no_placements, no_triggers = placements("A | 01-09 | -")[:0], triggers("A | x | present | -")[:0]
    cut = to_counting_process(EPISODES, observed_until=UNTIL, placements=no_placements, triggers=no_triggers)
    assert told(cut, "placement_type", "in_area", "n_moves") == [
        (0.0, 10.0, 1, None, None, 0),
        (11.0, 26.0, 0, None, None, 0),
    ]
    none = to_counting_process(
        EPISODES[:0], observed_until=UNTIL, placements=placements("A | 01-09 | -"), triggers=no_triggers
    )
    assert (len(none), none.columns.tolist()[-3:]) == (0, ["placement_type", "in_area", "n_moves"])


def test_tables_that_cannot_be_used_are_refused_by_name() -> None:
    with pytest.raises(TableRefused, match="'placements' cannot be used"):
        to_counting_process(EPISODES, observed_until=UNTIL, placements=pd.DataFrame({"child_id": ["A"]}))
    with pytest.raises(TableRefused, match="'triggers' cannot be used"):
        to_counting_process(EPISODES, observed_until=UNTIL, triggers=pd.DataFrame({"child_id": ["A"]}))


@settings(deadline=None, max_examples=25)
@given(worlds())
def test_time_at_risk_with_covariates_equals_a_slow_plain_twin(world: World) -> None:
    codes = columns_of(world)
    ids = sorted({*world.episodes["child_id"], *(world.children["child_id"] if world.origin != "first_return" else [])})
    expected = [piece for child in ids for piece in Plain(world, child).pieces(codes)]
    found = world.process()
    assert plain(found) == expected
    assert found.columns.tolist()[6:] == ["placement_type", "in_area", "n_moves", *(f"ever_{c}" for c in codes)]


@settings(deadline=None, max_examples=12)
@given(worlds())
def test_cutting_changes_neither_time_at_risk_nor_episodes(world: World) -> None:
    whole, cut = world.process(cut=False), world.process()
    assert cut["event"].sum() == whole["event"].sum()
    first = cut["ended_by"].shift().notna() | (cut.index == 0)
    assert cut.loc[first, ["child_id", "start", "episode_no"]].to_numpy().tolist() == (
        whole[["child_id", "start", "episode_no"]].to_numpy().tolist()
    )
    ends = cut["ended_by"].notna()
    assert cut.loc[ends, ["stop", "event", "ended_by"]].to_numpy().tolist() == (
        whole[["stop", "event", "ended_by"]].to_numpy().tolist()
    )
    assert (cut["stop"] > cut["start"]).all()
    assert (cut["stop"][:-1][~ends[:-1]].to_numpy() == cut["start"][1:][~ends[:-1].to_numpy()].to_numpy()).all()
    counted = cut.attrs["accounting"]
    assert len(cut) == counted["n_spells"] + counted["n_cuts"]
    assert counted["n_spells"] == len(whole) == sum(n for name, n in counted.items() if name.startswith("n_ended_by"))
    assert counted["n_ended_by_episode"] == counted["n_events"] == whole["event"].sum()
    parts = ("events", "before_entry", "start_unknown", "without_origin", "after_end", "after_exit", "after_18")
    assert counted["n_episodes"] == len(world.episodes) == sum(counted[f"n_{p}"] for p in parts)
    assert counted["n_placements"] == len(world.placements)
    assert counted["n_placements"] == counted["n_placements_used"] + counted["n_placements_of_others"]
    rows = ("used", "not_named", "never_known", "of_others")
    assert counted["n_triggers"] == len(world.triggers) == sum(counted[f"n_triggers_{r}"] for r in rows)


@pytest.mark.no_cover
@settings(deadline=None, max_examples=10)
@given(worlds(), st.integers(0, 99))
def test_neither_order_of_rows_nor_another_child_nor_other_names_change_anything(world: World, seed: int) -> None:
    found = world.process()
    mixed = world.changed(lambda frame: frame.sample(frac=1, random_state=seed))
    pd.testing.assert_frame_equal(mixed.process(), found)

    new = {"A": "r", "B": "q", "C": "p", "D": "o", "N": "n", "Z": "m"}  # in the opposite order
    renamed = world.changed(lambda frame: frame.assign(child_id=frame["child_id"].map(new))).process()
    renamed["child_id"] = renamed["child_id"].map({v: k for k, v in new.items()})
    assert plain(renamed.sort_values("child_id", kind="stable")) == plain(found)

    other = build_episodes(
        pd.DataFrame({"child_id": ["AA"], "missing_from": [world.until - pd.Timedelta(hours=50)]}),
        observed_until=world.until,
    ).assign(episode_id="E-other")
    more = replace(world, episodes=pd.concat([world.episodes, other]))
    alike = more.process()
    assert plain(alike[alike["child_id"] != "AA"]) == plain(found)


@settings(deadline=None, max_examples=10)
@given(worlds([STARTS[0], STARTS[2]]), st.integers(1, 3))
def test_whole_weeks_later_within_one_season_of_the_clock_is_the_same(world: World, weeks: int) -> None:
    later = pd.Timedelta(weeks=weeks)
    # Birth is known by its month alone, which cannot move by weeks.
    world = replace(world, children=world.children.assign(birth_month=pd.Series([pd.NaT] * 5, dtype="datetime64[us]")))

    def shift(frame: pd.DataFrame) -> pd.DataFrame:
        times = [c for c in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[c])]
        return frame.assign(**{c: frame[c] + later for c in times})

    moved = replace(world.changed(shift), until=world.until + later)
    assert plain(moved.process()) == plain(world.process())


@settings(deadline=None, max_examples=12)
@given(worlds())
def test_what_became_known_after_the_end_changes_nothing(world: World) -> None:
    day = world.until.tz_localize(None)
    spells = world.placements[world.placements["started_on"] < day]
    spells = spells.assign(ended_on=spells["ended_on"].where(spells["ended_on"] < day))
    named = world.triggers["known_at"].isna() | (world.triggers["known_at"] < world.until)
    episodes = world.episodes[world.episodes["missing_from"] < world.until]
    episodes = episodes.assign(returned_at=episodes["returned_at"].where(episodes["returned_at"] < world.until))
    past = replace(world, episodes=episodes, placements=spells, triggers=world.triggers[named])
    known = [f"ever_{c}" for c in columns_of(past)]
    found = world.process()
    kept = [c for c in found.columns if not c.startswith("ever_") or c in known]
    assert plain(past.process()) == plain(found[kept])
    assert not found[[c for c in found.columns if c not in kept]].any(axis=None)
