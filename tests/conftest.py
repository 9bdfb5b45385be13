"""What all tests share."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

#: Most examples of a property-based test where a run asks for few, as one that looks at other libraries does.
MOST_EXAMPLES = int(os.environ.get("MISSING_PATTERNS_EXAMPLES", "0"))

#: Examples of each property-based test whose lines are measured by coverage.
N_MEASURED = 10


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep property-based tests to a few examples where the run asks for it."""
    if not MOST_EXAMPLES:
        return
    from hypothesis import settings

    for item in items:
        test = getattr(item, "obj", None)
        if hasattr(test, "hypothesis"):
            test = getattr(test, "__func__", test)
            own = test._hypothesis_internal_use_settings
            fewer = settings(own, max_examples=min(own.max_examples, MOST_EXAMPLES))
            test._hypothesis_internal_use_settings = fewer


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Figures that results draw stay open for notebooks; tests close theirs."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure the first examples of a property-based test; measuring all of them would double their time."""
    test = getattr(getattr(item, "obj", None), "hypothesis", None)
    measuring = "coverage" in sys.modules and sys.modules["coverage"].Coverage.current()
    if test is None or not measuring or item.get_closest_marker("no_cover"):
        yield
        return
    whole, n_run = test.inner_test, 0

    @functools.wraps(whole)
    def counted(*given: Any, **named: Any) -> Any:
        nonlocal n_run
        n_run += 1
        if n_run == N_MEASURED + 1:
            measuring.stop()
        return whole(*given, **named)

    test.inner_test = counted
    yield
    test.inner_test = whole
    if n_run > N_MEASURED:
        measuring.start()
