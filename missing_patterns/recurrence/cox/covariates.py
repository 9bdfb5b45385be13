"""The columns of a model: from a list of names or a formula to numbers, and the same again for new rows."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns.errors import ArgumentRefused, TableRefused, did_you_mean
from missing_patterns.recurrence.common import Floats, plural

#: What a formula may call beside the columns. Nothing else can be reached from it.
FUNCTIONS: dict[str, Any] = {
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "minimum": np.minimum,
    "maximum": np.maximum,
}
#: patsy's own words.
_PATSY = ("C", "I", "Q", "bs", "cr", "cc", "te", "center", "scale", "standardize", "Treatment", "Sum", "Poly", "Diff")
#: How numpy prints a number or a truth value inside a name.
_NUMPY_WORDS = re.compile(r"np\.(?:\w+\(([^()]*)\)|(True|False)_)")
_OUTCOME = ("child_id", "start", "stop", "event")
_ELSEWHERE = {
    "strata": "give strata= to RecurrentCox",
    "cluster": "give cluster= to RecurrentCox",
    "offset": "give offset= to fit",
    "frailty": "use SharedFrailty",
    "Surv": "name the covariates only; start, stop and event are known",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Covariates:
    """How the columns of a model are made from a table. Made by :func:`read_covariates`.

    Parameters
    ----------
    names : tuple of str
        Names of the model's columns.
    sources : tuple of str
        Columns of the table that they are made from.
    formula : str or None
        The formula, if one was given.
    info : object
        What patsy remembers of the first table (levels of categories, means of ``center``); None without formula.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`read_covariates`.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    formula: str | None
    info: Any

    def __repr__(self) -> str:
        return f"Covariates: {plural(len(self.names), 'column')}"

    def build(self, frame: pd.DataFrame, table: str = "newdata") -> Floats:
        """Make the model's columns from a table.

        Parameters
        ----------
        frame : pd.DataFrame
            With the columns ``sources``.
        table : str, default "newdata"
            How messages call it.

        Returns
        -------
        array [rows, p]
            Not centred.

        Raises
        ------
        TableRefused
            If a column is absent, is no number, or holds blanks, infinite values or unknown categories.

        Examples
        --------
        >>> frame = pd.DataFrame({"age": [12.0, 15.0], "in_care": [True, False]})
        >>> covariates, _ = read_covariates(frame, ["age", "in_care"])
        >>> covariates.build(frame[:1]).tolist()
        [[12.0, 1.0]]
        """
        if self.formula is None:
            return _plain(frame, self.names, table)
        _check_sources(frame, self.sources, table)
        return _patsy(self.info, frame, self.sources, table)[0]


def read_covariates(
    frame: pd.DataFrame, wanted: str | Sequence[str], table: str = "intervals"
) -> tuple[Covariates, Floats]:
    """Read a list of columns or a formula, and make the model's columns.

    Parameters
    ----------
    frame : pd.DataFrame
        Any table.
    wanted : str or sequence of str
        Names of columns that hold numbers or true/false; or a formula as patsy reads it, such as
        ``"age + C(placement_type)"``. A formula sees the columns, patsy's own words and log, log1p, log2, exp, sqrt,
        abs, minimum and maximum; nothing else. Its intercept is dropped: the baseline hazard takes its place.
    table : str, default "intervals"
        How messages call the table.

    Returns
    -------
    covariates : Covariates
    matrix : array [rows, p]
        Not centred.

    Raises
    ------
    ArgumentRefused
        If the list is empty, repeats a name or names the outcome, or the formula cannot be read.
    TableRefused
        Naming every column that is absent, is no number, or is not recorded somewhere.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [12, 15, 11], "home": ["elm", "oak", "ash"]})
    >>> read_covariates(frame, "log(age) + C(home)")[0].names
    ('C(home)[T.elm]', 'C(home)[T.oak]', 'log(age)')
    >>> read_covariates(frame, ["age", "home"])
    Traceback (most recent call last):
    missing_patterns.errors.TableRefused: The table 'intervals' cannot be used:
    - column 'home' holds text; write it in a formula as C(home), or make true/false columns of it
    """
    if isinstance(wanted, str):
        return _read_formula(frame, wanted, table)
    if not all(isinstance(name, str) for name in wanted):
        raise ArgumentRefused("name columns as text, or give a formula as one text.")
    names = tuple(wanted)
    if not names:
        raise ArgumentRefused("name at least one column.")
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ArgumentRefused(f"named twice: {', '.join(repr(name) for name in twice)}. Name each column once.")
    _refuse_outcome(names)
    return Covariates(names, names, None, None), _plain(frame, names, table)


def _refuse_outcome(names: Sequence[str]) -> None:
    outcome = [name for name in names if name in _OUTCOME]
    if outcome:
        told = ", ".join(f"'{name}'" for name in outcome)
        raise ArgumentRefused(f"{told} cannot explain itself: it is part of what is modelled. Leave it out.")


def _check_sources(frame: pd.DataFrame, names: Sequence[str], table: str) -> None:
    """Refuse columns that are absent or not recorded somewhere, all at once."""
    problems = []
    for name in names:
        if name not in frame.columns:
            problems.append(f"column '{name}' is absent.{did_you_mean(name, map(str, frame.columns))}")
        elif blank := int(frame[name].isna().sum()):
            problems.append(_blanks(name, blank, len(frame)))
    if problems:
        raise TableRefused.of_problems(table, problems)


def _blanks(name: str, blank: int, n: int) -> str:
    return (
        f"column '{name}' is not recorded in {blank:,} of {n:,} rows; leave those rows out "
        f"(intervals.dropna(subset=['{name}'])) and say so, or make 'not recorded' a category of its own"
    )


def _plain(frame: pd.DataFrame, names: Sequence[str], table: str) -> Floats:
    """Return columns of numbers as they stand; true and false count as 1 and 0."""
    matrix = np.empty((len(frame), len(names)))
    problems = []
    for k, name in enumerate(names):
        if name not in frame.columns:
            problems.append(f"column '{name}' is absent.{did_you_mean(name, map(str, frame.columns))}")
            continue
        if isinstance(frame[name], pd.DataFrame):
            problems.append(f"column '{name}' is there more than once; keep one of them")
            continue
        values, why = _numbers(frame[name])
        if values is None:
            problems.append(f"column '{name}' {why}")
            continue
        matrix[:, k] = values
        if blank := int(np.isnan(values).sum()):
            problems.append(_blanks(name, blank, len(frame)))
        elif not np.isfinite(values).all():
            problems.append(f"column '{name}' holds infinite values; find out why before it is used")
    if problems:
        raise TableRefused.of_problems(table, problems)
    return matrix


def _numbers(series: pd.Series) -> tuple[Floats | None, str]:
    """Return a column as numbers, or why it is none."""
    kinds = pd.api.types
    in_formula = f"write it in a formula as C({series.name}), or make true/false columns of it"
    if isinstance(series.dtype, pd.CategoricalDtype):
        return None, f"holds categories; {in_formula}"
    if kinds.is_object_dtype(series.dtype) or kinds.is_string_dtype(series.dtype):
        kind = kinds.infer_dtype(series, skipna=True)
        if kind in ("boolean", "integer", "floating", "mixed-integer-float", "decimal", "empty"):
            return series.to_numpy(dtype=object, na_value=np.nan).astype(np.float64), ""
        return None, f"holds {'text' if kind == 'string' else 'values of mixed or other kinds'}; {in_formula}"
    if not (kinds.is_bool_dtype(series.dtype) or kinds.is_numeric_dtype(series.dtype)):
        return None, "holds dates, times or objects; make a number of it first, such as days since the origin"
    if kinds.is_complex_dtype(series.dtype):
        return None, "holds complex numbers; make a real number of it first"
    return series.to_numpy(dtype=np.float64, na_value=np.nan), ""


def _read_formula(frame: pd.DataFrame, formula: str, table: str) -> tuple[Covariates, Floats]:
    """Read a formula, with nothing within its reach but the columns, patsy's words and a few functions."""
    import patsy

    try:
        described = patsy.ModelDesc.from_formula(formula)
    except patsy.PatsyError as failed:
        raise ArgumentRefused(f"the formula cannot be read: {failed.message}.") from None
    if described.lhs_termlist:
        raise ArgumentRefused(
            "the formula has a left side; write the covariates only: start, stop and event are known."
        )
    if patsy.INTERCEPT not in described.rhs_termlist:
        # Without the intercept, categories would be given a column each, which the baseline makes one too many.
        described.rhs_termlist.insert(0, patsy.INTERCEPT)
    codes = [factor.code for term in described.rhs_termlist for factor in term.factors]
    sources = _sources_of(codes, [str(c) for c in frame.columns])
    if not codes:
        raise ArgumentRefused("the formula names no column.")
    _refuse_outcome(sources)
    _check_sources(frame, sources, table)
    matrix, info = _patsy(described, frame, sources, table)
    names = tuple(_NUMPY_WORDS.sub(r"\1\2", name) for name in info.column_names if name != "Intercept")
    return Covariates(names, sources, formula, info), matrix


def _sources_of(codes: Sequence[str], there: list[str]) -> tuple[str, ...]:
    """Return the columns that pieces of code use; refuse anything else that they reach for."""
    found: dict[str, None] = {}
    for code in codes:
        tree = ast.parse(code, mode="eval")
        reaching = (ast.Attribute, ast.Subscript, ast.Lambda, ast.NamedExpr, ast.comprehension)
        if any(isinstance(node, reaching) for node in ast.walk(tree)):
            raise ArgumentRefused("a formula may name columns and call functions, but not reach into objects.")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                _check_name(node.id, there)
                if node.id in there:
                    found[node.id] = None
            if (quoted := _quoted(node)) is not None:
                if quoted not in there:
                    raise ArgumentRefused(f"there is no column '{quoted}'.{did_you_mean(quoted, there)}")
                found[quoted] = None
    return tuple(found)


def _check_name(name: str, there: list[str]) -> None:
    if name in there or name in _PATSY or name in FUNCTIONS:
        return
    if name in _ELSEWHERE:
        raise ArgumentRefused(f"'{name}()' is not part of a formula here: {_ELSEWHERE[name]}.")
    raise ArgumentRefused(
        f"the formula names '{name}', which is neither a column nor a function.{did_you_mean(name, there)}"
    )


def _quoted(node: ast.AST) -> str | None:
    """Return the name in Q("name"), which reads columns whose names are no words."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Q" and node.args:
        return str(node.args[0].value) if isinstance(node.args[0], ast.Constant) else None
    return None


def _patsy(described: Any, frame: pd.DataFrame, sources: Sequence[str], table: str) -> tuple[Floats, Any]:
    """Let patsy make the columns; drop the intercept."""
    import patsy

    data: dict[str, Any] = {}
    for name in sources:
        series = frame[name].reset_index(drop=True)
        if isinstance(series.dtype, pd.CategoricalDtype):
            data[name] = pd.Categorical(
                series.to_numpy(dtype=object),
                categories=series.cat.categories.astype(object),
                ordered=bool(series.cat.ordered),
            )
            continue
        values, _ = _numbers(series)
        if values is None or pd.api.types.is_bool_dtype(series.dtype):
            data[name] = series.to_numpy(dtype=object)
        else:
            # Whole numbers stay whole, so that as categories they are called 2 and not 2.0.
            is_whole = pd.api.types.is_integer_dtype(series.dtype)
            data[name] = values.astype(np.int64) if is_whole else values
    try:
        with np.errstate(all="ignore"):  # what comes out infinite is refused below, by name
            made = patsy.dmatrix(
                described,
                data,
                eval_env=patsy.EvalEnvironment([FUNCTIONS]),
                NA_action=patsy.NAAction(NA_types=[]),
                return_type="matrix",
            )
    except patsy.PatsyError as failed:
        # Its message may quote a value of the table, so it is not passed on.
        new = "expected levels" in str(failed.message)
        why = "it holds a category that the first table did not" if new else "check the types of its columns"
        raise TableRefused.of_problems(table, [f"the formula cannot be worked out on it; {why}"]) from None
    info = made.design_info
    kept = [k for k, name in enumerate(info.column_names) if name != "Intercept"]
    if not kept:
        raise TableRefused.of_problems(table, ["the formula makes no column: its categories are the same in every row"])
    matrix: Floats = np.ascontiguousarray(np.asarray(made, dtype=np.float64)[:, kept])
    odd = [info.column_names[kept[k]] for k in np.flatnonzero(~np.isfinite(matrix).all(axis=0))]
    if odd:
        told = [f"'{name}' is not a finite number in some rows (such as the logarithm of 0)" for name in odd]
        raise TableRefused.of_problems(table, told)
    return matrix, info
