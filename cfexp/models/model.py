"""The contracts of a model: `Model` (a recipe), `Epoch` (one sweep) and `Scorer`.

for epoch in ALS(factors=64).train(data, rng):
    evaluate(epoch.scorer(), ...)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cfexp.data.sound import exchanged, refuse_values
from cfexp.data.training import History, Positives, TrainingData
from cfexp.errors import DataError
from cfexp.memory import needs
from cfexp.models.listing import best_items, refuse_codes
from cfexp.parallel import cores, warn_of_threads
from cfexp.recipe import Recipe
from cfexp.seeds import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cfexp.arrays import AnyArray, Codes, Floats, Mask, Matrix
    from cfexp.data.feedback import Feedback
    from cfexp.data.interactions import Vocabulary

MaskName = Literal["interacted", "positives", "none"]
"""What is hidden from a user's list: every pair of their history, its positives, nothing."""


@dataclass(frozen=True, eq=False)
class Epoch:
    """A model after one sweep over users and items.

    `number` counts from 1. `scorer()` gives a scorer that stays valid whatever comes
    after; `loss()` the exact training loss, or None for a model without one. Both are
    lazy: an epoch that nobody looks at costs nothing more.
    """

    number: int
    scorer: Callable[[], Scorer]
    loss: Callable[[], float | None]

    @classmethod
    def only(cls, scorer: Scorer, threads: int | None) -> Epoch:
        """Return the one epoch of a model without sweeps, whose scorer may take `threads`."""
        scorer.threads = threads
        return cls(1, lambda: scorer, lambda: None)


class Scorer(ABC):
    """Scores items for users, known or not, from the histories that it is given."""

    model: Model
    history: Positives
    """Positives of the users it was fitted on (users x items), the default history."""
    threads: int | None = None
    """How many threads may score (None: all cores); results do not depend on it."""
    facts: Mapping[str, str] = MappingProxyType({})
    """What the fit settled by itself, in words by name (`solver_used`); not saved."""

    @property
    @abstractmethod
    def n_items(self) -> int:
        """Number of items scored."""

    @abstractmethod
    def queries(self, history: History) -> Any:  # noqa: ANN401 - an array that slices by row
        """Return what represents each row of `history` (m users x items).

        `history` carries the recency of its entries when it is `Positives`; a plain
        matrix has none. For factor models the m x factors user factors solved from the history; for
        neighbourhood models the history itself. Anything with rows that slice.
        """

    @abstractmethod
    def scores(self, queries: Any) -> Floats:  # noqa: ANN401
        """Return float32 scores, rows of `queries` x items; higher is better."""

    @abstractmethod
    def arrays(self) -> dict[str, AnyArray]:
        """Return the arrays from which `from_arrays` makes this scorer again."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, model: Model, history: Positives, arrays: dict[str, AnyArray]) -> Scorer:
        """Return the scorer that `arrays()` described."""

    def checked(self, history: History) -> Positives:
        """Return `history` as Positives, or raise DataError: wrong width, or values not > 0."""
        history = Positives.of(history)
        if history.shape[1] != self.n_items:
            given, own = history.shape, self.history.shape
            raise DataError(
                f"the history has {given[1]} items, the model {self.n_items} ({given[0]} x "
                f"{given[1]} and {own[0]} x {own[1]} users x items){exchanged(given, own)}"
            )
        refuse_values(history, "the values of a history")
        return history

    def recommend(
        self,
        users: Codes,
        k: int = 10,
        *,
        filter_seen: bool = True,
        hidden: Matrix | None = None,
        candidates: Mask | Codes | None = None,
        rescale: bool = False,
    ) -> tuple[Codes, Floats]:
        """Return the k best items and their scores for users of the training data.

        Both arrays are len(users) x k, best first; ties go to the lower item code;
        where fewer than k items can be recommended, items are -1 and scores -inf.

        Parameters
        ----------
        users, k
            User codes, and how many items for each.
        filter_seen
            Leave out what is in a user's history.
        hidden
            What to leave out in place of that: users asked x items, an entry per item.
        candidates
            The items to choose from, as one bool per item or as item codes.
        rescale
            Scale scores to 0..1 for display: 1 is the user's best recommended item, 0
            the lowest of all items.

        Raises
        ------
        IndexError
            When a user or a candidate is unknown.
        DataError
            When `hidden` is no matrix of that shape.
        """
        users = np.asarray(users)
        refuse_codes(users, self.history.shape[0], "users")
        history = self.history[users]
        return best_items(
            self,
            self.queries_of(users, history),
            k,
            history=history,
            filter_seen=filter_seen,
            hidden=hidden,
            candidates=candidates,
            rescale=rescale,
        )

    def recommend_from(
        self,
        history: History,
        k: int = 10,
        *,
        filter_seen: bool = True,
        hidden: Matrix | None = None,
        candidates: Mask | Codes | None = None,
        rescale: bool = False,
    ) -> tuple[Codes, Floats]:
        """Do the same for one user, known or not, per row of `history`."""
        history = Positives.of(history)
        return best_items(
            self,
            self.queries(history),
            k,
            history=history,
            filter_seen=filter_seen,
            hidden=hidden,
            candidates=candidates,
            rescale=rescale,
        )

    def queries_of(self, users: Codes, history: Positives | None = None) -> Any:  # noqa: ANN401
        """Return what `queries` returns for users of the training data.

        `history` is theirs, where the caller has it already.
        """
        return self.queries(self.history[users] if history is None else history)

    def save(
        self,
        path: Path | str,
        *,
        users: Vocabulary | None = None,
        items: Vocabulary | None = None,
        titles: AnyArray | None = None,
        seen: Matrix | None = None,
        mask: MaskName = "positives",
        feedback: Feedback | None = None,
        history: Positives | None = None,
        candidates: Mask | None = None,
    ) -> None:
        """Write this scorer and its history to one .npz file that `cfexp.load` reads.

        With vocabularies and titles, what is loaded speaks the original ids. `mask` is
        what a list leaves out, as when the model was evaluated, and `seen` (users x
        items) the pairs that "interacted" hides. `candidates` says which items may be
        recommended (None: those in some pair of `seen`), and `history` what users are
        scored from, in place of what the model was fitted on. `feedback` is the rule that
        made the positives, for histories of users to come (None: every value above 0 is
        one). The file appears whole or not at all, and nothing in it is pickled.

        Raises
        ------
        DataError
            When a vocabulary, `titles`, `seen`, `candidates` or `history` does not fit the
            shape of what the model was fitted on.
        """
        from cfexp.models.saving import write_scorer

        write_scorer(
            self,
            Path(path),
            users=users,
            items=items,
            titles=titles,
            seen=seen,
            mask=mask,
            feedback=feedback,
            history=self.history if history is None else history,
            candidates=candidates,
        )


class Model(Recipe, ABC):
    """A model's hyperparameters, and how it learns.

    Subclasses add `kind: Literal["..."] = "..."` and their fields.
    """

    kind: str
    stochastic: ClassVar[bool] = False
    """Does the result depend on the random generator?"""
    needs_features: ClassVar[bool] = False
    """Does it learn from item features?"""
    smaller: ClassVar[str] = "drop rare users or items"
    """What to do where a fit does not fit into memory."""

    @abstractmethod
    def train(
        self, data: TrainingData, rng: np.random.Generator, *, threads: int | None = None
    ) -> Iterator[Epoch]:
        """Yield the model after every sweep; models without sweeps yield once.

        Results do not depend on `threads` (None: all cores), bit for bit.
        """

    @abstractmethod
    def memory(self, data: TrainingData, threads: int) -> int:
        """Return about how many bytes a fit takes at its peak, beyond the data and the process.

        An estimate from the shape of `data` alone, to be held against what is left: within
        a factor of 2 where it is hundreds of megabytes.
        """

    @property
    def scores_by_age(self) -> bool:
        """Whether what was long ago counts less when a user is scored, by days and not by rank."""
        return False

    def refuse_unfit(self, *data: TrainingData, threads: int | None = None) -> None:
        """Raise DataError, with both numbers, where fits on all of `data` at once cannot fit."""
        size = sum(self.memory(one, cores() if threads is None else threads) for one in data)
        users, items = (max(one.positives.shape[side] for one in data) for side in (0, 1))
        folds = f", {len(data)} folds at once," if len(data) > 1 else ""
        factors = getattr(self, "factors", None)
        what = self.kind if factors is None else f"{self.kind} with {factors:,} factors"
        needs(f"{what} on {users:,} users and {items:,} items{folds}", size, self.smaller)

    def fit(
        self,
        matrix: Any,  # noqa: ANN401 - whatever SciPy makes a CSR matrix of
        rng: int | np.random.Generator | None = None,
        *,
        threads: int | None = None,
    ) -> Scorer:
        """Train to the last epoch on a users x items matrix of values (or TrainingData)."""
        warn_of_threads(threads)
        data = TrainingData.of(matrix)
        self.refuse_unfit(data, threads=threads)
        epochs = self.train(data, generator(rng), threads=threads)
        *_, last = epochs
        return last.scorer()
