"""`Known`: what a study looks at in data before it runs on them, were they prepared now or found.

What the data are does not depend on the models, metrics and buckets of a study; whether they
can run on them does, and is checked for every study.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cfexp.analysis.bucket_recipe import attributes_of
from cfexp.data.side_information.item_features import FEATURES_FROM
from cfexp.errors import DataError
from cfexp.metrics.evaluate import check_mask
from cfexp.search.spec.measures import Measures, measures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfexp.data.side_information.attributes import Attributes
    from cfexp.data.side_information.item_features import ItemFeatures
    from cfexp.search.spec.spec import StudySpec
    from cfexp.splits.stage_data import StageData


@dataclass(frozen=True)
class FeatureFacts:
    """The hash of the items' features, how many columns there are, and why others are none."""

    digest: str
    columns: int
    reasons: dict[str, str]

    @classmethod
    def of(cls, features: ItemFeatures) -> Self:
        """Return those of features."""
        return cls(features.digest, len(features.columns), features.reasons)


@dataclass(frozen=True, eq=False)
class Known:
    """The matrices of every stage by name, and what is known of users and items."""

    stages: Mapping[str, StageData]
    attributes: Attributes
    features: FeatureFacts | None

    def measures(self, spec: StudySpec) -> Measures:
        """Return what the study measures."""
        return measures(spec.all_metrics, spec.objectives, spec.buckets, self.attributes)

    def check(self, spec: StudySpec) -> None:
        """Raise an InputError for what would fail every run of the study.

        That is a mask that hides what is to be found, buckets that cannot be made, or a model
        or metric of item features where there are none.
        """
        needing = spec.needing_features
        if needing and (self.features is None or not self.features.columns):
            reasons = self.features.reasons if self.features else {}
            useless = "; ".join(f"{names}: {why}" for why, names in reasons.items())
            raise DataError(
                f"{' and '.join(needing)} need item features, and the data have none"
                f"{f' that tell items apart ({useless})' if useless else ''}; {FEATURES_FROM}"
            )
        masks = {entry.mask for entry in (*spec.models, *spec.baselines)}
        for stage in self.stages.values():
            for mask in sorted(masks):
                check_mask(stage, mask)
            self.measures(spec).check(stage)

    def facts(self, spec: StudySpec) -> dict[str, Any]:
        """Return hashes of what the study, by its own settings, depends on besides the rows.

        `grouped_by` is that of the user attributes in its objectives, `features` that of the
        item features if a model or a metric needs them; None where nothing does.
        """
        names = attributes_of(spec.worst_buckets)
        uses = spec.needing_features and self.features is not None
        return {
            "grouped_by": self.attributes.digest(names) if names else None,
            "features": self.features.digest if uses and self.features else None,
        }
