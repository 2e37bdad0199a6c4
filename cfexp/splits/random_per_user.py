"""`RandomPerUser`: rows of every user drawn at random are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from cfexp.seeds import seed_for
from cfexp.splits.amounts import Amount, AmountOrNone, rows_of
from cfexp.splits.splitter import Part, Splitter, validation_names
from cfexp.splits.tails import canonical_order, nothing_held_out, random_order

if TYPE_CHECKING:
    from cfexp.arrays import Longs, Mask
    from cfexp.data.interactions import Interactions


class RandomPerUser(Splitter):
    """Rows of every user, drawn at random, are test; of the rest, others are validation.

    What is held out may be older than what is fitted: use it where rows have no times, or
    to compare with published numbers. Shares are of the user's rows, rounded to whole rows,
    halves up. Users of whom fewer than `min_train` rows would remain stay wholly in train.
    """

    kind: Literal["random_per_user"] = "random_per_user"
    test: Amount = 0.2
    """Rows per user held out for the test: so many, or a share such as 0.2."""
    validation: AmountOrNone = 0.1
    """Rows per user held out for validation, likewise; 0 where nothing is searched."""
    folds: Annotated[int, Field(ge=1)] = 1
    """Draw the validation rows so many times anew, the test rows once; what is searched for
    is the mean."""
    min_train: Annotated[int, Field(ge=1)] = 1
    """Rows that a user must keep for training to be held out at all."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed, other rows."""

    @model_validator(mode="after")
    def _one_train(self) -> RandomPerUser:
        if self.folds > 1 and self.fit_for_test == "train":
            raise ValueError(
                f"fit_for_test = 'train' is no one set of rows with folds = {self.folds}, as each "
                "fold draws its own; use 'train+validation'"
            )
        return self

    def parts(self, rows: Interactions) -> list[Part]:
        length, canonical = rows.user_lengths, canonical_order(rows)
        test, validation = rows_of(self.test, length), rows_of(self.validation, length)
        enough = length - test - validation >= self.min_train
        test, validation = (np.where(enough, size, 0)[rows.user] for size in (test, validation))
        is_test = self._rank(rows, canonical, "test") < test
        if not is_test.any():
            raise nothing_held_out(
                rows, test=self.test, validation=self.validation, min_train=self.min_train
            )
        parts = []
        names = validation_names(self.folds) if self.validation else []
        for name in names:
            drawn = self._rank(rows, canonical, name, last=is_test) < validation
            parts.append(Part(name, fit=~is_test & ~drawn, held_out=drawn))
        train = self.fit_for_test == "train" and parts
        parts.append(Part("test", parts[0].fit if train else ~is_test, is_test))
        return parts

    def _rank(
        self, rows: Interactions, canonical: Longs, draw: str, last: Mask | None = None
    ) -> Longs:
        """Return each row's place from 0 in a random order of its user's rows.

        Those where `last` is true come last.
        """
        seed = seed_for(self.seed, "random_per_user", draw)
        return rows.rows_after(random_order(rows, canonical, seed, first=last))
