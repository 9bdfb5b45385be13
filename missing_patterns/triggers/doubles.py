"""The same interview as two systems wrote it: the one that says something stands for both."""

from __future__ import annotations

import pandas as pd

from missing_patterns.schema import HELD, INTERVIEWS, LINKS, conform
from missing_patterns.triggers.coding import refuse_blank_ids


def drop_bare_interviews(interviews: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Leave out held interviews that say nothing where another held one of the same episodes says something.

    A case system may hold no more than "accepted: yes" for an interview whose account stands in another system. Counted
    beside it, one conversation would be two. An interview is bare if it was held and has no date, triggers or account
    of its own; it is left out if each of its episodes is covered by a held interview that is not bare.

    Parameters
    ----------
    interviews : pd.DataFrame
        The interviews table, with ``interview_id``.
    links : pd.DataFrame
        The links table, as :func:`missing_patterns.link_interviews` gives.

    Returns
    -------
    pd.DataFrame
        The interviews table without the bare doubles. ``.attrs["accounting"]``: ``n_interviews = n_kept + n_bare``.

    Raises
    ------
    TableRefused
        If a table is not usable.

    Examples
    --------
    >>> interviews = pd.DataFrame({
    ...     "interview_id": ["rhi", "ssd"], "child_id": ["A", "A"], "status": ["completed", "completed"],
    ...     "held_at": ["2026-10-02 16:00", None]})
    >>> links = pd.DataFrame({"episode_id": ["E-1", "E-1"], "interview_id": ["rhi", "ssd"]})
    >>> drop_bare_interviews(interviews, links)["interview_id"].tolist()
    ['rhi']
    """
    interviews, links = conform(interviews, INTERVIEWS), conform(links, LINKS)
    refuse_blank_ids(interviews)
    is_held = interviews["status"].isin(HELD)
    says = interviews[["held_at", "coded_triggers", "narrative"]].notna().any(axis=1)
    told = set(links.loc[links["interview_id"].isin(interviews.loc[is_held & says, "interview_id"]), "episode_id"])
    of_bare = links[links["interview_id"].isin(interviews.loc[is_held & ~says, "interview_id"])]
    covered = of_bare["episode_id"].isin(told).groupby(of_bare["interview_id"]).all()
    kept = interviews[~interviews["interview_id"].isin(covered.index[covered])].reset_index(drop=True)
    kept.attrs["accounting"] = {
        "n_interviews": len(interviews),
        "n_kept": len(kept),
        "n_bare": len(interviews) - len(kept),
    }
    return kept
