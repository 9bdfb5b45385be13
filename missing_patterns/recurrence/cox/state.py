"""What the modules that work on a fitted Cox model need of it, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from missing_patterns.errors import ArgumentRefused
from missing_patterns.recurrence.common import Floats
from missing_patterns.recurrence.cox.likelihood import Likelihood, Terms

if TYPE_CHECKING:
    from missing_patterns.recurrence.cox.design import Design
    from missing_patterns.recurrence.cox.model import RecurrentCox


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class State:
    """A fitted model's arrays. Made by :func:`state_of`.

    Parameters
    ----------
    design : Design
        Rows and covariates.
    likelihood : Likelihood
        Risk sets and sums.
    terms, null : Terms
        The sums at the fitted coefficients, and where all are 0.
    covariance, robust : arrays [p, p]
        The model's covariance, and the one that knows clusters (NaN for coefficients that run off).
    groups : dict of str to list of int
        Columns by the term that made them: those of one ``C(...)`` together.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`state_of`.
    """

    design: Design
    likelihood: Likelihood
    terms: Terms
    null: Terms
    covariance: Floats
    robust: Floats
    groups: dict[str, list[int]]

    def __repr__(self) -> str:
        return f"State: {self.design!r}"


def state_of(model: RecurrentCox) -> State:
    """Return what a fitted model knows, with the sums at its coefficients.

    Parameters
    ----------
    model : RecurrentCox
        Fitted.

    Returns
    -------
    State

    Raises
    ------
    ArgumentRefused
        If the model is not fitted.
    """
    if not hasattr(model, "coef_"):
        raise ArgumentRefused("the model is not fitted yet: call fit(intervals, columns) first.")
    return State(
        design=model.design_,
        likelihood=model._likelihood,
        terms=model._terms,
        null=model._null,
        covariance=model._covariance,
        robust=model.robust_covariance_.to_numpy(),
        groups=_groups(model.design_),
    )


def _groups(design: Design) -> dict[str, list[int]]:
    """Return the columns by the term of the formula that made them."""
    info = design.covariates.info
    if info is None:
        return {name: [k] for k, name in enumerate(design.names)}
    at = {name: k for k, name in enumerate(design.names)}
    found = {}
    for term, columns in info.term_name_slices.items():
        if own := [at[name] for name in info.column_names[columns] if name in at]:
            found[term] = own
    return found


def stratum_labels(design: Design) -> list[object]:
    """Return what each stratum is called: its value, or several joined by " / "; "all" where there are none.

    Parameters
    ----------
    design : Design
        Rows and covariates.

    Raises
    ------
    Nothing.
    """
    if not len(design.strata.columns):
        return ["all"]
    if len(design.strata.columns) == 1:
        return list(design.strata.iloc[:, 0])
    return [" / ".join(str(v) for v in row) for row in design.strata.itertuples(index=False)]
