"""What a request to a logged model asks for, row by row, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from cfexp.arrays import AnyArray, Longs, Mask

COLUMNS = ("user", "history", "values", "times", "k", "filter_seen")
"""What a row may say; `k` and `filter_seen` are parameters of the whole request as well."""
DEFAULT_K = 10
_EXACT = 2**53  # above it a float no longer tells whole numbers apart


@dataclass(frozen=True, eq=False)
class Asked:
    """One entry per row of a request.

    `users` are ids or None; `histories`, `values` and `times` are lists or None; `k` is at
    least 1; `filter_seen` is True, False, or None: as when the model was evaluated.
    """

    users: AnyArray
    histories: list[list[Any] | None]
    values: list[list[Any] | None]
    times: list[list[Any] | None]
    k: Longs
    filter_seen: list[bool | None]

    def __len__(self) -> int:
        return len(self.users)

    def only(self, rows: Mask) -> Asked:
        """Return some of the rows."""
        places = np.flatnonzero(rows)
        return Asked(
            users=self.users[places],
            histories=[self.histories[place] for place in places],
            values=[self.values[place] for place in places],
            times=[self.times[place] for place in places],
            k=self.k[places],
            filter_seen=[self.filter_seen[place] for place in places],
        )

    @classmethod
    def of(cls, frame: pd.DataFrame, params: Mapping[str, Any] | None) -> Asked:
        """Read a request; what a row leaves out, `params` say.

        Raises
        ------
        DataError
            When a row says neither who nor what they had, or says anything that cannot be.
        """
        if not {"user", "history"} & set(frame.columns):
            raise DataError(
                f"a row needs a user or a history; its columns may be {', '.join(COLUMNS)}"
            )
        cells = {name: _column(frame, name, params or {}) for name in COLUMNS}
        lists = {
            name: [_list(name, cell, row) for row, cell in enumerate(cells[name], 1)]
            for name in ("history", "values", "times")
        }
        users = np.empty(len(frame), object)
        users[:] = [_id(cell) for cell in cells["user"]]
        for row, (user, history) in enumerate(zip(users, lists["history"], strict=True), 1):
            if user is None and history is None:
                raise DataError(f"row {row} has neither a user nor a history")
            for name in ("values", "times"):
                if history is None and lists[name][row - 1] is not None:
                    raise DataError(f"row {row} has {name} of no history")
        return cls(
            users,
            lists["history"],
            lists["values"],
            lists["times"],
            np.array([_count(cell) for cell in cells["k"]], np.int64),
            [_flag(cell) for cell in cells["filter_seen"]],
        )


def _column(frame: pd.DataFrame, name: str, params: Mapping[str, Any]) -> list[Any]:
    """Return a column's cells, None where a row says nothing and no parameter does."""
    usual = params.get(name) if name in {"k", "filter_seen"} else None
    if name not in frame:
        return [usual] * len(frame)
    return [usual if _is_missing(cell) else cell for cell in frame[name].tolist()]


def _is_missing(cell: Any) -> bool:  # noqa: ANN401
    import pandas as pd

    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def _id(cell: Any) -> Any:  # noqa: ANN401 - an id as the data had it
    """Return a user's id; where others are missing, pandas has made a whole number a float."""
    if isinstance(cell, list | dict | bool | np.ndarray):
        raise DataError(f"a user is one id, a number or text, not {cell!r}")
    if isinstance(cell, float) and cell.is_integer():
        if abs(cell) >= _EXACT:
            raise DataError(
                f"the user id {cell:.0f} is too large to be sent beside rows without a user; "
                "send these in a request of their own"
            )
        return int(cell)
    return cell


def _list(name: str, cell: Any, row: int) -> list[Any] | None:  # noqa: ANN401
    if cell is None:
        return None
    if not isinstance(cell, list | tuple | np.ndarray) or np.ndim(cell) > 1:
        what = "item ids, oldest first" if name == "history" else "one entry per item"
        raise DataError(f"{name} of row {row} must be a list of {what}, not {cell!r}")
    return cell.tolist() if isinstance(cell, np.ndarray) else list(cell)


def _count(cell: Any) -> int:  # noqa: ANN401
    if cell is None:
        return DEFAULT_K
    whole = isinstance(cell, int | np.integer) or (isinstance(cell, float) and cell.is_integer())
    if isinstance(cell, bool) or not whole or not 1 <= cell < _EXACT:
        raise DataError(f"k must be a whole number from 1, not {cell!r}")
    return int(cell)


def _flag(cell: Any) -> bool | None:  # noqa: ANN401
    if cell is None or isinstance(cell, bool | np.bool_):
        return None if cell is None else bool(cell)
    raise DataError(f"filter_seen must be true or false, not {cell!r}")
