"""The codebook: real lists of reasons find their codes, and nothing is guessed."""

from __future__ import annotations

import pandas as pd
import pytest

from missing_patterns.codebook import COLUMNS, DOMAIN_LABELS, Codebook, fold, read_codebook
from missing_patterns.errors import ArgumentRefused, TableRefused

BOOK = read_codebook()


# Wordings of lists that councils publish: Redcar and Cleveland, Croydon, Cheshire.
@pytest.mark.parametrize(
    ("wording", "code"),
    [
        ("Family Conflict", "home_conflict"),
        ("Parental Separation", "home_change"),
        ("Domestic abuse in the home", "home_domestic_abuse"),
        ("Neglect", "home_abuse"),
        ("Physical/emotional/sexual abuse", "home_abuse"),
        ("Mental Health Concerns", "wellbeing_distress"),
        ("Issues with care placement", "care_unhappy"),
        ("Criminal exploitation incl. county lines", "exploitation_criminal"),
        ("CSE", "exploitation_sexual"),
        ("Negative Peer Relationships", "people_peer_pressure"),
        ("ASB", "activity_offending"),
        ("Substance Misuse", "activity_substances"),
        ("Parties/Gatherings", "activity_party"),
        ("Visiting Family", "people_family"),
        ("Family instability", "home_change"),
        ("problems at school", "school_problems"),
        ("Bullying", "school_bullying"),
        ("Loneliness/Isolation", "wellbeing_boredom"),
        ("meet boyfriend/girlfriend", "people_partner"),
        ("Problems with family contact", "people_family"),
        ("Boundaries and control", "rules_boundaries"),
        ("Step parent issues", "home_conflict"),
        ("Conflict within a Placement", "care_conflict"),
    ],
)
def test_wordings_of_published_lists_find_their_code(wording: str, code: str) -> None:
    assert BOOK.find(wording) == code


def test_a_wording_that_stands_nowhere_is_not_guessed() -> None:
    assert BOOK.find("authority and power") is None  # two codes could claim it
    assert BOOK.find("famly conflict") is None
    assert BOOK.find("") is None


def test_every_code_finds_itself_by_code_and_label() -> None:
    for row in BOOK.table.itertuples():
        assert BOOK.find(row.code) == row.code
        assert BOOK.find(row.label.upper()) == row.code
        assert BOOK.label(row.code) == row.label
    assert len(BOOK.codes) == 41
    assert len(set(BOOK.domains.values())) == 10


def test_typing_does_not_matter() -> None:
    assert fold(" Self\u2011Harm. ") == "self-harm"
    assert fold("Child\u2019s  caf\u00e9 & park\u200b") == "childs cafe and park"


def test_domains_have_names_that_people_use_and_a_new_one_keeps_its_own() -> None:
    assert {BOOK.domain_label(d) for d in BOOK.domains.values()} == set(DOMAIN_LABELS.values())
    assert BOOK.domain_label("local_events") == "Local events"


def test_the_longest_wording_comes_first_when_a_cell_must_be_split() -> None:
    lengths = [len(w) for w in BOOK.wordings]
    assert lengths == sorted(lengths, reverse=True)


def test_a_label_of_an_unknown_code_is_refused_with_the_nearest() -> None:
    with pytest.raises(ArgumentRefused, match="Did you mean 'home_conflict'"):
        BOOK.label("home_conflicts")


def test_a_council_adds_replaces_and_retires_codes_without_changing_the_packaged_book() -> None:
    before = BOOK.table.copy()
    row = {
        "code": "care_move",
        "domain": "care",
        "side": "push",
        "label": "Moved placement",
        "phrases_in_forms": "moved",
    }
    local = BOOK.amend(added=pd.DataFrame([row]), retired=["activity_party"])
    assert local.label("care_move") == "Moved placement"
    assert local.find("moved") == "care_move"
    assert local.find("Party or event") is None
    assert BOOK.amend().codes == BOOK.codes
    assert BOOK.amend(added=[{"code": "x", "domain": "home", "side": "push"}]).label("x") == "x"
    pd.testing.assert_frame_equal(BOOK.table, before)
    with pytest.raises(ArgumentRefused, match="retired code is not in the codebook. Did you mean 'care_move'"):
        BOOK.amend(retired=["care_moves"])


def test_a_table_that_is_no_codebook_is_refused() -> None:
    row = dict.fromkeys(COLUMNS, "") | {"code": "a", "side": "push"}
    with pytest.raises(TableRefused, match="column 'side' is absent"):
        Codebook(pd.DataFrame([row]).drop(columns="side"))
    with pytest.raises(TableRefused, match=r"side of row 1 is not known(.|\n)*a wording belongs to both a and b"):
        Codebook(pd.DataFrame([row, row | {"code": "b", "side": "shove", "label": "A"}]))
    with pytest.raises(TableRefused, match="code 1 stands twice"):
        Codebook(pd.DataFrame([row, row]))
