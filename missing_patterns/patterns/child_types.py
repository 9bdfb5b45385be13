"""Types of children by the triggers that their interviews name: latent classes on counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from missing_patterns.errors import ArgumentRefused, did_you_mean
from missing_patterns.patterns.counts import TriggerCounts, as_counts
from missing_patterns.patterns.mixture import Answers, Mixture, fit_mixture, n_parameters, posterior

Floats = npt.NDArray[np.float64]

UNCERTAIN = -1

#: An item stands out for a type when the type names it this much more often than all children do, and this often.
MIN_LIFT = 1.5
MIN_RATE = 0.15


class TriggerTypes(BaseEstimator):
    """Types of children who name like triggers, as a mixture of binomials over *k of m answered interviews*.

    The child is the unit: repeated interviews of one child do not make a type. Unanswered is not "no": an item that
    was never asked of a child says nothing about it. The number of types is chosen by BIC and may be one, which
    reads "no stable pattern". A type is a description of a group; it is no diagnosis and no risk level.

    Parameters
    ----------
    n_types : int, optional
        Number of types. None chooses by BIC among 1..max_types, of the fits whose smallest type is large enough
        (``min_share`` and ``min_children``).
    max_types : int, default 6
        Most types tried.
    n_starts : int, default 30
        Random starts for each number of types.
    random_state : int, numpy Generator or None, default 0
        Seed of the starts. None draws afresh each time.
    min_share, min_children : float, int; default 0.05, 25
        Smallest share and smallest expected number of children of a type that is shown.
    certainty : float, default 0.8
        A child whose likeliest type is less certain than this is labelled -1, uncertain.
    prior : float, default 1.0
        Weight of the prior, in answers per type and item, around the item's overall rate; 0 is maximum likelihood.

    Attributes
    ----------
    n_types_ : int
        Number of types, after :meth:`fit`.
    shares_ : Series
        Share of children by ``type`` 1..n_types_, largest first.
    profiles_ : DataFrame
        Types x items: chance that an answered interview of such a child names the item.
    bic_ : DataFrame
        One row per number of types tried: ``n_types loglik n_parameters bic icl smallest_share smallest_n agreement
        is_eligible is_chosen``. Lower BIC is better; ICL adds a penalty for uncertain membership.
    posterior_ : DataFrame
        Children x types: chance of each type; rows add to 1. For local use: it never goes into a report.
    labels_ : Series
        Type of each child, -1 where uncertain or without an answered interview.
    is_shown_ : Series
        Whether each type is large enough to be shown.
    n_children_, n_answers_ : int
        Children with at least one answered interview, and the most interviews answered by each, added up.

    Raises
    ------
    ArgumentRefused
        By :meth:`fit`, if a parameter or the counts cannot be used.

    Notes
    -----
    Latent class analysis: Goodman (1974), Biometrika 61, 215-231. BIC: Schwarz (1978), Ann. Stat. 6, 461-464, with
    the number of children as the sample size. ICL: Biernacki, Celeux and Govaert (2000).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> chance = np.array([[.7, .1, .1], [.1, .1, .7]])[np.repeat([0, 1], 100)]
    >>> trials = pd.DataFrame(np.full((200, 3), 4), columns=["home", "care", "peers"])
    >>> counts = pd.DataFrame(rng.binomial(4, chance), columns=trials.columns)
    >>> types = TriggerTypes(max_types=3, n_starts=5).fit(counts, trials)
    >>> types.n_types_
    2
    >>> types.profiles_.round(1).values.tolist()
    [[0.7, 0.1, 0.1], [0.1, 0.1, 0.7]]
    """

    def __init__(
        self,
        n_types: int | None = None,
        max_types: int = 6,
        n_starts: int = 30,
        random_state: int | np.random.Generator | None = 0,
        min_share: float = 0.05,
        min_children: int = 25,
        certainty: float = 0.8,
        prior: float = 1.0,
    ) -> None:
        self.n_types = n_types
        self.max_types = max_types
        self.n_starts = n_starts
        self.random_state = random_state
        self.min_share = min_share
        self.min_children = min_children
        self.certainty = certainty
        self.prior = prior

    def fit(self, counts: TriggerCounts | pd.DataFrame, trials: pd.DataFrame | None = None) -> TriggerTypes:
        """Find the types.

        Parameters
        ----------
        counts : TriggerCounts or pd.DataFrame
            What ``child_trigger_counts`` gives; or a frame children x items of how many interviews named the item.
        trials : pd.DataFrame, optional
            Of how many answered interviews, same rows and columns; 0 = never answered. When it is left out and
            ``counts`` is a frame, cells are one answer each: true/1, false/0, or not recorded (NaN, NA).

        Returns
        -------
        TriggerTypes
            Itself, fitted. Fewer than ``2 * min_children`` children are always one type, unless ``n_types`` is given.

        Raises
        ------
        ArgumentRefused
            If a parameter is out of bounds, or counts are not whole numbers with 0 <= counts <= trials.
        """
        self._check()
        k, m = as_counts(counts, trials)
        has_answer = (m.to_numpy() > 0).any(axis=1)
        answers = Answers.of(k.to_numpy()[has_answer], m.to_numpy()[has_answer])
        self.n_children_ = int(has_answer.sum())
        self.n_answers_ = int(m.to_numpy().max(axis=1, initial=0).sum())
        rng = np.random.default_rng(self.random_state)
        fits: list[Mixture] = []
        for t in self._tried():
            with threadpool_limits(limits=1):  # matrices this small lose by threads, most of all on a busy machine
                fits.append(fit_mixture(answers, t, rng, n_starts=self.n_starts, prior=self.prior))
            self.bic_ = self._compare(answers, fits)
            if len(fits) > 2 and (np.diff(self.bic_["bic"].to_numpy()[-3:]) > 0).all():
                break  # worse twice running: more types only describe chance, slowly
        chosen = fits[int(np.flatnonzero(self.bic_["is_chosen"].to_numpy())[0])]
        self.n_types_ = len(chosen.shares)
        names = pd.RangeIndex(1, self.n_types_ + 1, name="type")
        self.shares_ = pd.Series(chosen.shares, index=names, name="share")
        self.profiles_ = pd.DataFrame(chosen.profiles, index=names, columns=k.columns)
        self.overall_ = pd.Series(answers.rate, index=k.columns, name="overall")
        self.is_shown_ = self._large_enough(self.shares_)
        self.posterior_ = self._posterior(k, m)
        self.labels_ = self._label(self.posterior_, has_answer)
        return self

    def predict_proba(self, counts: TriggerCounts | pd.DataFrame, trials: pd.DataFrame | None = None) -> pd.DataFrame:
        """Chance of each type for other children, on the types as they were fitted (they do not reshuffle).

        Parameters are those of :meth:`fit`, with the same columns in any order. Returns a frame children x types, for
        local use; a child without answers gets the shares.

        Raises
        ------
        ArgumentRefused
            If it is not fitted, or columns differ from those of the fit.
        """
        self._need_fit()
        k, m = as_counts(counts, trials)
        known = list(self.profiles_.columns)
        strange = [str(c) for c in k.columns if c not in known]
        absent = [str(c) for c in known if c not in list(k.columns)]
        if strange or absent:
            hint = did_you_mean(strange[0], [str(c) for c in known]) if strange else ""
            raise ArgumentRefused(
                f"the columns are not those of the fit: {len(strange)} unknown, {len(absent)} absent.{hint}"
            )
        return self._posterior(k[known], m[known])

    def predict(self, counts: TriggerCounts | pd.DataFrame, trials: pd.DataFrame | None = None) -> pd.Series:
        """Type of each of other children, -1 where uncertain; parameters as for :meth:`predict_proba`.

        Raises
        ------
        ArgumentRefused
            If it is not fitted, or columns differ from those of the fit.
        """
        proba = self.predict_proba(counts, trials)
        has_answer = (as_counts(counts, trials)[1].to_numpy() > 0).any(axis=1)
        return self._label(proba, has_answer)

    def profiles_of(self, table: TriggerCounts) -> pd.DataFrame:
        """Describe the types by other items of the same children: fit on codes, show domains.

        Returns
        -------
        pd.DataFrame
            Types x items of ``table``: share of answered interviews that name the item, each child's weighted by its
            chance of the type; NaN where there are none.

        Raises
        ------
        ArgumentRefused
            If it is not fitted, or ``table`` holds a child that was not in the fit.
        """
        self._need_fit()
        if not table.counts.index.isin(self.posterior_.index).all():
            raise ArgumentRefused("the table holds children who were not in the fit.")
        weight = self.posterior_.loc[table.counts.index].to_numpy().T
        named, among = weight @ table.counts.to_numpy(dtype="float64"), weight @ table.trials.to_numpy(dtype="float64")
        share = np.divide(named, among, out=np.full(named.shape, np.nan), where=among > 0)
        return pd.DataFrame(share, index=self.shares_.index, columns=table.counts.columns)

    def summary(self) -> pd.DataFrame:
        """One row per type.

        Returns
        -------
        pd.DataFrame
            ``type``, ``share`` (of children, by the model), ``n_children`` (children who are this type with at least
            the certainty asked for; distinct, so it is the column for disclosure), ``stands_out`` (up to three
            items that this type names at least 1.5 times as often as all, in at least 15 % of interviews, most first;
            the words are the codebook's, the choice is this rule's), ``is_shown``, then one column per item with
            the chance that an interview names it. Types that are not shown keep their row here.

        Raises
        ------
        ArgumentRefused
            If it is not fitted.
        """
        self._need_fit()
        sure = self.labels_.value_counts().reindex(self.shares_.index, fill_value=0)
        table = pd.DataFrame(
            {
                "type": list(self.shares_.index),
                "share": self.shares_.to_numpy(),
                "n_children": sure.to_numpy(dtype="int64"),
                "stands_out": ["; ".join(items) for items in self._standing_out()],
                "is_shown": self.is_shown_.to_numpy(),
            }
        )
        return pd.concat([table, self.profiles_.reset_index(drop=True)], axis=1)

    def explain(self) -> str:
        """Say in plain English what was done, on how many children and interviews, and what it does not mean.

        Raises
        ------
        ArgumentRefused
            If it is not fitted.
        """
        self._need_fit()
        tried = f"1 to {len(self.bic_)} types" if self.n_types is None else f"{self.n_types_} types, as asked for,"
        n_uncertain = int((self.labels_ == UNCERTAIN).sum())
        start = (
            f"{self.n_children_:,} children with {self.n_answers_:,} interviews whose triggers are known were compared "
            f"by how often each trigger was named; {tried} were tried."
        )
        parts = [start]
        if self.n_children_ == 0:
            parts.append("There is nothing to compare.")
        elif self.n_types_ == 1:
            few = self.n_children_ < 2 * self.min_children and self.n_types is None
            reason = (
                f"fewer than {2 * self.min_children} children are too few to divide"
                if few
                else "no division into types describes these children better than one group does"
            )
            parts.append(f"No stable pattern: {reason}. That is a result, not a failure.")
        else:
            parts.append(
                f"{self.n_types_} types describe the children best. {n_uncertain:,} children cannot be placed with "
                f"{self.certainty:.0%} certainty and stand in no type."
            )
            if hidden := int((~self.is_shown_).sum()):
                small = "1 type is" if hidden == 1 else f"{hidden} types are"
                parts.append(f"{small} too small to be shown.")
        parts.append(
            "Types describe groups by what was recorded. They are not causes, not a diagnosis and not a risk level, "
            "and one child's place in them is never certain. Which triggers stand out was read off the same data that "
            "made the types, and their stability under resampling was not tested."
        )
        return " ".join(parts)

    def plot(self, ax: Any = None) -> Any:
        """Draw the types that are shown against the items: the chance that an interview names each. Returns Axes.

        Raises
        ------
        ArgumentRefused
            If it is not fitted.
        """
        self._need_fit()
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=(7, 0.8 + 0.35 * self.profiles_.shape[1]), layout="constrained")[1]
        ax.set_title("Share of interviews naming each trigger, by type of child", loc="left")
        shown = self.profiles_[self.is_shown_.to_numpy()]
        if shown.empty:
            ax.text(0.5, 0.5, "No type is large enough to be shown", ha="center", transform=ax.transAxes)
            ax.set_axis_off()
            return ax
        values = np.nan_to_num(shown.to_numpy().T)
        ax.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        ax.set_xticks(range(len(shown)), [f"Type {t}\n{self.shares_[t]:.0%}" for t in shown.index])
        ax.set_yticks(range(shown.shape[1]), [str(c).replace("_", " ") for c in shown.columns])
        for (row, column), value in np.ndenumerate(values):
            ax.text(column, row, f"{value:.0%}", ha="center", va="center", color="white" if value > 0.65 else "black")
        return ax

    def _check(self) -> None:
        wrong = []
        if self.n_types is not None and self.n_types < 1:
            wrong.append("n_types must be at least 1")
        wrong += [f"{n} must be at least 1" for n in ("max_types", "n_starts", "min_children") if getattr(self, n) < 1]
        wrong += [f"{n} must be between 0 and 1" for n in ("min_share", "certainty") if not 0 <= getattr(self, n) <= 1]
        if self.prior < 0:
            wrong.append("prior must not be negative")
        if wrong:
            raise ArgumentRefused("; ".join(wrong) + ".")

    def _need_fit(self) -> None:
        if not hasattr(self, "n_types_"):
            raise ArgumentRefused("call fit(...) first.")

    def _tried(self) -> list[int]:
        if self.n_types is not None:
            return [self.n_types]
        return list(range(1, self.max_types + 1)) if self.n_children_ >= 2 * self.min_children else [1]

    def _large_enough(self, shares: pd.Series) -> pd.Series:
        return (shares >= self.min_share) & (shares * self.n_children_ >= self.min_children)

    def _compare(self, answers: Answers, fits: list[Mixture]) -> pd.DataFrame:
        rows = []
        for fit in fits:
            free = n_parameters(answers, len(fit.shares))
            bic = -2 * fit.loglik + free * np.log(max(self.n_children_, 1))
            rows.append(
                {
                    "n_types": len(fit.shares),
                    "loglik": fit.loglik,
                    "n_parameters": free,
                    "bic": bic,
                    "icl": bic + 2 * _entropy(answers, fit),
                    "smallest_share": fit.shares.min(),
                    "smallest_n": fit.shares.min() * self.n_children_,
                    "agreement": fit.agreement,
                }
            )
        table = pd.DataFrame(rows)
        # One type is always allowed; a small type is merged away by taking fewer types.
        large = (table["smallest_share"] >= self.min_share) & (table["smallest_n"] >= self.min_children)
        table["is_eligible"] = large | (table["n_types"] == 1) | (self.n_types is not None)
        best = table.loc[table["is_eligible"], "bic"].idxmin()
        table["is_chosen"] = table.index == best
        return table

    def _posterior(self, k: pd.DataFrame, m: pd.DataFrame) -> pd.DataFrame:
        # An item that nobody answered at the fit has no probability; it cannot say anything here either.
        known = self.profiles_.notna().all(axis=0).to_numpy()
        yes, no = k.to_numpy()[:, known], (m - k).to_numpy()[:, known]
        answers = Answers(yes, no, np.ones(len(k)), self.overall_.to_numpy()[known])
        chance = np.broadcast_to(self.shares_.to_numpy(), (len(k), self.n_types_))
        if len(k):
            chance, _ = posterior(answers, self.shares_.to_numpy(), self.profiles_.to_numpy()[:, known])
        return pd.DataFrame(chance.copy(), index=k.index, columns=self.shares_.index)

    def _label(self, proba: pd.DataFrame, has_answer: npt.NDArray[np.bool_]) -> pd.Series:
        values = proba.to_numpy()
        sure = has_answer & (values.max(axis=1, initial=0) >= self.certainty)
        label = np.where(sure, values.argmax(axis=1) + 1, UNCERTAIN)
        return pd.Series(label, index=proba.index, name="type", dtype="int64")

    def _standing_out(self) -> list[list[str]]:
        found = []
        for _, profile in self.profiles_.iterrows():
            lift = profile / self.overall_
            out = lift[(lift >= MIN_LIFT) & (profile >= MIN_RATE)].sort_values(ascending=False, kind="stable")
            found.append([str(i) for i in out.index[:3]])
        return found


def _entropy(answers: Answers, fit: Mixture) -> float:
    if not len(answers.weight):
        return 0.0
    known = ~np.isnan(answers.rate)
    seen = Answers(answers.yes[:, known], answers.no[:, known], answers.weight, answers.rate[known])
    chance, _ = posterior(seen, fit.shares, fit.profiles[:, known])
    return float(-(answers.weight @ (chance * np.log(np.maximum(chance, 1e-300))).sum(axis=1)))
