"""The `frame` source: rows that are given from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from cfexp.data.rows.table_source import TableSource
from cfexp.errors import DataError

if TYPE_CHECKING:
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions


class Frame(TableSource):
    """Rows that Python gives: `run_study(spec, data=frame)`, the columns named here.

    The study's identity holds their content, so it is resumed with equal rows alone.
    """

    kind: Literal["frame"] = "frame"

    def load(self, places: Places) -> Interactions:
        del places
        raise DataError(
            "[data] kind = 'frame' reads no file: give the rows from Python, as in "
            "cfexp.run_study(spec, data=frame)"
        )

    def given(self, data: Any, places: Places) -> Interactions:  # noqa: ANN401
        """Return the rows of a data frame, or `Interactions` as they are."""
        from cfexp.data.frames import FrameReader
        from cfexp.data.interactions import Interactions

        if isinstance(data, Interactions):
            return data
        return self.rows_of(FrameReader(data), places)
