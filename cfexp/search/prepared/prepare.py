"""From a study file to the matrices: load, split, look, and remember what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.arrays import save_arrays
from cfexp.data.cleaning.step import report
from cfexp.data.files.places import places_of
from cfexp.data.frame import Frame
from cfexp.data.interactions import MANY
from cfexp.data.side_information.attributes import Attributes
from cfexp.errors import DataError
from cfexp.search.prepared.known import FeatureFacts, Known
from cfexp.splits.futures import future_share
from cfexp.splits.moments import written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cfexp.data.interactions import Interactions
    from cfexp.data.source import Source
    from cfexp.search.spec.spec import StudySpec
    from cfexp.splits.split import Split
    from cfexp.splits.stage_data import StageData


@dataclass(frozen=True, eq=False)
class Prepared:
    """A study's clean rows, its split, and the matrices of every stage by name."""

    rows: Interactions
    split: Split
    stages: dict[str, StageData]

    @property
    def validation(self) -> list[StageData]:
        """The stages that are searched on."""
        return [self.stages[stage.name] for stage in self.split.validation]

    @property
    def test(self) -> StageData:
        """The stage that is read last."""
        return self.stages[self.split.test.name]

    @cached_property
    def known(self) -> Known:
        """What is looked at before a study runs on the data."""
        features = self.rows.item_features
        return Known(
            stages=self.stages,
            attributes=self.rows.attributes or Attributes(),
            features=None if features is None else FeatureFacts.of(features),
        )

    def facts(self, spec: StudySpec) -> dict[str, Any]:
        """Return what a stored study is recognised by, and what people want to know of it."""
        return self.shared_facts() | self.known.facts(spec)

    def shared_facts(self) -> dict[str, Any]:
        """Return of these what is the same for every study on the data.

        `rows` is the fingerprint of the split's rows alone.
        """
        return {
            "fingerprint": self.split.fingerprint,
            "rows": self.split.rows_fingerprint,
            "data": self.data_facts(),
            "split": self.split_facts(),
        }

    def data_facts(self) -> dict[str, Any]:
        """Return counts of the clean rows and how they came about, for people."""
        cleaning = report(self.rows)
        users, items = cleaning[-1]["users"], cleaning[-1]["items"]
        facts: dict[str, Any] = {
            "rows": len(self.rows),
            "users": users,
            "items": items,
            "density": len(self.rows) / max(users * items, 1),
            "dropped": dict(self.rows.dropped),
            "cleaning": cleaning,
            "notes": list(self.rows.notes),
        }
        if self.rows.time is not None:
            first, last = self.rows.time.min(), self.rows.time.max()
            facts |= {"first": written(int(first)), "last": written(int(last))}
        attributes = self.rows.attributes
        if attributes is not None and attributes.columns:
            facts |= {
                "user attributes": ", ".join(attributes.columns),
                "users without attributes": attributes.missing,
            }
            if attributes.unused:
                facts["attribute rows of nobody here"] = attributes.unused
        features = self.rows.item_features
        if features is not None:
            facts |= {"item features": features.summary, "items without features": features.missing}
            if features.unused:
                facts["feature rows of no item here"] = features.unused
            if features.left_out:
                facts["item features left out"] = features.reasons
        return facts

    def split_facts(self) -> dict[str, Any]:
        """Return row counts, users evaluated, and the share of training that is later than test.

        And how many items may be recommended that nothing was learnt of, where there are any.
        """
        new = {
            stage.name: int(np.count_nonzero(stage.candidates & ~stage.fit.occurring))
            for stage in self.split.stages
            if stage.candidates is not None
        }
        return {
            "rows": dict(self.split.rows),
            "dropped": dict(self.split.dropped),
            "future_share": future_share(self.split),
            "settings": dict(self.split.settings),
            "users_evaluated": {name: len(stage.users) for name, stage in self.stages.items()},
        } | ({"new_candidates": new} if new else {})

    def save_vocabulary(self, path: Path) -> None:
        """Write `users`, `items` and, where known, `titles` as an .npz without objects."""
        arrays = {"users": self.rows.users.ids, "items": self.rows.items.ids}
        if self.rows.titles is not None:
            arrays["titles"] = self.rows.titles
        save_arrays(path, arrays)


def prepare(
    spec: StudySpec,
    data: Any = None,  # noqa: ANN401
    say: Callable[[str], None] | None = None,
) -> Prepared:
    """Load, clean and split a study's data.

    `data` are the rows of a study with `[data] kind = "frame"`: a data frame, or
    `Interactions`. `say` is told what takes a while the first time on a machine.

    Raises
    ------
    DataError, SplitError
        When the rows break a rule, or allow no such split.
    """
    places = places_of(spec.folder)
    source: Source = spec.data
    if any(rule.settles_negatives for rule in spec.clean):
        source = source.signed()
    if data is None:
        loaded = source.load(places)
    elif isinstance(source, Frame):
        loaded = source.given(data, places)
    else:
        raise DataError(
            f"rows are given from Python, but [data] kind = {source.kind!r} reads its own; "
            "write kind = 'frame' with columns"
        )
    if len(loaded) >= MANY:
        from cfexp.search.warm import compile_sorting

        compile_sorting(say)
    rows = spec.split.cleaned(loaded, spec.clean)
    split = spec.split.divide(rows)
    prepared = Prepared(rows, split, split.view(spec.feedback))
    prepared.known.check(spec)
    return prepared
