"""`ByUser`: whole users are held out, and what they do is predicted from a part of it.

Liang et al., Variational Autoencoders for Collaborative Filtering (2018), section 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.errors import SplitError
from cfexp.seeds import seed_for
from cfexp.splits.amounts import Amount, AmountOrNone, rows_of
from cfexp.splits.invariants import check_no_future, check_unseen
from cfexp.splits.splitter import Part, Splitter
from cfexp.splits.tails import canonical_order, random_order

if TYPE_CHECKING:
    from cfexp.arrays import Longs, Mask
    from cfexp.data.interactions import Interactions
    from cfexp.splits.split import Stage


class ByUser(Splitter):
    """Users drawn at random are test, others validation; models are fitted on the rest.

    A held-out user's rows are cut in two: what is given to the model as their history, and
    what is to be predicted (Liang et al. 2018, section 4.1).
    """

    kind: Literal["by_user"] = "by_user"
    test: Amount = 0.1
    """How many users are held out for the test: so many, or a share such as 0.1."""
    validation: AmountOrNone = 0.1
    """How many users are held out for validation, likewise; 0 where nothing is searched."""
    given: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Share of a held-out user's rows that is given; at least one row is, and one is not."""
    order: Literal["random", "time"] = "random"
    """Which rows are given: drawn at random, or the oldest."""
    min_rows: Annotated[int, Field(ge=2)] = 5
    """Users with fewer rows are never held out."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed, other users and rows."""
    fit_for_test: Literal["train", "train+validation"] = "train"
    """Whether the users held out for validation are learnt from before the test is read."""

    def parts(self, rows: Interactions) -> list[Part]:
        test, validation = self._users(rows)
        length = rows.user_lengths
        given = np.clip(rows_of(self.given, length), 1, np.maximum(length - 1, 1))
        asked = self._after(rows) < (length - given)[rows.user]  # where the user is held out
        of_test, of_validation = test[rows.user], validation[rows.user]
        train = ~of_test & ~of_validation
        both = self.fit_for_test == "train+validation" and of_validation.any()
        fit = ~of_test if both else train
        parts = [Part("test", fit, of_test & asked, history=fit | (of_test & ~asked))]
        if of_validation.any():
            past = train | (of_validation & ~asked)
            parts.insert(0, Part("validation", train, of_validation & asked, history=past))
        return parts

    def check(self, stage: Stage) -> None:
        check_unseen(stage)
        if self.order == "time":
            check_no_future(stage)

    def _users(self, rows: Interactions) -> tuple[Mask, Mask]:
        """Return which users are test, and which validation."""
        length = rows.user_lengths
        long = np.flatnonzero(length >= self.min_rows)
        n_test, n_validation = (
            int(rows_of(amount, np.array([len(long)]))[0])
            for amount in (self.test, self.validation)
        )
        n_users = int(np.count_nonzero(length))
        missing = n_test == 0 or (self.validation > 0 and n_validation == 0)
        if missing or n_test + n_validation > min(len(long), n_users - 1):
            raise SplitError(
                f"test = {self.test}, validation = {self.validation}: {n_test:,} and "
                f"{n_validation:,} users cannot be held out of the {len(long):,} that have "
                f"min_rows = {self.min_rows} rows, with one left to learn from"
            )
        generator = np.random.default_rng(seed_for(self.seed, "by_user", "users"))
        drawn = generator.permutation(long)
        test, validation = np.zeros((2, len(length)), bool)
        test[drawn[:n_test]] = True
        validation[drawn[n_test : n_test + n_validation]] = True
        return test, validation

    def _after(self, rows: Interactions) -> Longs:
        if self.order == "time":
            return rows.rows_after(rows.by_user_and_time)
        seed = seed_for(self.seed, "by_user", "rows")
        return rows.rows_after(random_order(rows, canonical_order(rows), seed))
