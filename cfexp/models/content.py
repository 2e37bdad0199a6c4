"""Content: items are recommended for having the features of what a user had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from cfexp.data.side_information.item_features import FEATURES_FROM, ItemFeatures
from cfexp.data.training import TrainingData
from cfexp.errors import DataError
from cfexp.models.confidence import AddedRecency, Cap, Clip, Confidence, Form
from cfexp.models.content_scorer import ContentScorer
from cfexp.models.model import Epoch, Model
from cfexp.models.recency import RecencyBy, RecencyScale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import Doubles
    from cfexp.data.positives import Positives


class Content(Model):
    """Cosine between an item's features and a user's profile, the weighted sum of their items'.

        profile_u = sum over the positives i of u of c_ui z_i
        score_uj  = profile_u'z_j / (|profile_u| |z_j|)

    z are the item features, standardised by scikit-learn over the items that have a positive;
    unknown ones count as the mean. The confidence c_ui is 1 plus what
    `cfexp.models.confidence` says of the positive's value and its place in the user's
    history. Nothing else is learnt, so an item is scored that nobody has had yet. Such
    profiles are Rocchio's (Pazzani & Billsus 2007, Content-Based Recommendation Systems).
    Items of no known feature have score 0, and so have all items for a user who has had
    no other.
    """

    kind: Literal["content"] = "content"
    needs_features: ClassVar[bool] = True

    alpha: Annotated[float, Field(ge=0)] = 1.0
    """How much confidence the value of a positive adds to 1; 0: all positives weigh alike."""
    normalize: bool = False
    """Scale every z_i to length 1 before it is added to a profile; if not, an item of rare
    features weighs more than an average one."""
    confidence: Form = "linear"
    epsilon: Annotated[float, Field(gt=0)] | Literal["user_mean"] = 1.0
    """For "log": the value at which the logarithm begins to bend, or "user_mean", the mean
    of the user's values (at least 1)."""
    cap: Cap = 100.0
    clip: Clip = 100.0
    recency: AddedRecency = 0.0
    recency_scale: RecencyScale = 10.0
    recency_by: RecencyBy = "rank"

    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield once."""
        del rng
        if data.features is None:
            raise DataError(f"the model content needs item features; {FEATURES_FROM}")
        vectors, lengths = data.item_directions
        scorer = ContentScorer(
            self, data.positives, vectors, lengths, data.standardized, data.features.columns
        )
        yield Epoch.only(scorer, threads)

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return the size of the features as they are standardised, mostly in float64."""
        del threads
        return 0 if data.features is None else 40 * int(data.features.values.size)

    def fit(
        self,
        matrix: Any,  # noqa: ANN401 - whatever SciPy makes a CSR matrix of
        rng: int | np.random.Generator | None = None,
        *,
        threads: int | None = None,
        item_features: Any = None,  # noqa: ANN401 - whatever NumPy reads
    ) -> ContentScorer:
        """Do what `Model.fit` does; `item_features` are items x features, NaN unknown.

        TrainingData has its own, where the data do.
        """
        data = TrainingData.of(matrix)
        if item_features is not None:
            data = TrainingData(data.positives, ItemFeatures.of(item_features))
        return cast("ContentScorer", super().fit(data, rng, threads=threads))

    @property
    def scores_by_age(self) -> bool:
        return self._confidence.by_age

    def weights(self, positives: Positives) -> Doubles:
        """Return the confidence of every entry."""
        weights: Doubles = 1 + self._confidence.added(positives).astype(np.float64)
        return weights

    @property
    def _confidence(self) -> Confidence:
        return Confidence(
            kind=self.confidence,
            alpha=self.alpha,
            epsilon=self.epsilon,
            cap=self.cap,
            clip=self.clip,
            recency=self.recency,
            recency_scale=self.recency_scale,
            recency_by=self.recency_by,
        )
