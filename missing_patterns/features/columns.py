"""Room for the columns of the result, made once and filled in place, so that the table is joined without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from missing_patterns.features.specs import Spec
from missing_patterns.schema import TEXT

_TYPES: dict[str, Any] = {"count": np.int32, "flag": np.bool_, "measure": np.float64, "maybe": np.int8, "text": object}
#: How a flag that is not known is held until the table is made.
UNKNOWN = -1


class Columns:
    """One array for each column; columns of one type that follow each other lie in one block.

    ``columns[spec]`` is the array of a column, with a row for each moment asked about: int32, bool, float64; int8 with
    1, 0 and -1 (not known) for a flag that may be unknown; and objects for text. None is filled beforehand.
    """

    def __init__(self, specs: Sequence[Spec], n_rows: int) -> None:
        self._blocks: list[tuple[str, list[str], npt.NDArray[Any]]] = []
        self._of: dict[Spec, npt.NDArray[Any]] = {}
        runs: list[list[Spec]] = []
        for spec in specs:
            if runs and runs[-1][0].kind == spec.kind:
                runs[-1].append(spec)
            else:
                runs.append([spec])
        for run in runs:
            block = np.empty((len(run), n_rows), dtype=_TYPES[run[0].kind])
            self._blocks.append((run[0].kind, [spec.name for spec in run], block))
            self._of |= dict(zip(run, block, strict=True))

    def __getitem__(self, spec: Spec) -> npt.NDArray[Any]:
        return self._of[spec]

    def frame(self, keys: pd.DataFrame) -> pd.DataFrame:
        """Return the table: the keys, then the columns.

        Raises
        ------
        Nothing.
        """
        parts: list[Any] = [keys]
        for kind, names, block in self._blocks:
            if kind == "maybe":
                parts += [
                    pd.Series(pd.arrays.BooleanArray(row == 1, row == UNKNOWN), index=keys.index, name=name)
                    for name, row in zip(names, block, strict=True)
                ]
            elif kind == "text":
                parts += [
                    pd.Series(pd.array(row, dtype=TEXT), index=keys.index, name=name)
                    for name, row in zip(names, block, strict=True)
                ]
            else:
                parts.append(pd.DataFrame(block.T, columns=names, index=keys.index, copy=False))
        self._blocks, self._of = [], {}
        return pd.concat(parts, axis=1, **_NO_COPY)


# From pandas 3 on nothing is copied, and to say so is deprecated.
_NO_COPY: dict[str, Any] = {} if int(pd.__version__.split(".", maxsplit=1)[0]) >= 3 else {"copy": False}
