"""What each estimate of the gap answers, what its interval rests on, and what it assumes."""

from __future__ import annotations

QUESTIONS: dict[str, str] = {
    "per_child": "For a child with at least one return, how likely is it that a gap of theirs ends within so many "
    "days? Every child counts once, however many episodes they have (Wang and Chang 1999)",
    "pooled": "After an episode picked at random, how likely is it that the same child goes again within so many days? "
    "Children with many episodes count many times (Kaplan-Meier over all gaps)",
    "first": "After a child's first return on file, how likely is a second episode within so many days? "
    "Later repeats are left out (Kaplan-Meier over first gaps)",
}
INTERVALS = {
    "per_child": "Intervals come from drawing children again and again",
    "pooled": "Intervals come from drawing children again and again, because gaps of one child are alike",
    "first": "Intervals use Greenwood's formula, one gap per child",
}
CAVEATS = {
    "per_child": "It assumes that a child's gaps come in no particular order: no trend with age or with each repeat",
    "pooled": "It is a figure about episodes, not about children: a few children with many episodes dominate it",
    "first": "'First' is first on file: a child who went missing before the records begin counts as new",
}
