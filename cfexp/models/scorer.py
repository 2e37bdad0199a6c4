"""`Scorer`: what a trained model is, and does, from the histories that it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.data.positives import History, Positives
from cfexp.data.rows.sound import exchanged, refuse_values
from cfexp.errors import DataError
from cfexp.models.listing import best_items, refuse_codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfexp.arrays import AnyArray, Codes, Floats, Mask, Matrix
    from cfexp.data.feedback import Feedback
    from cfexp.data.vocabulary import Vocabulary
    from cfexp.models.model import MaskName, Model


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
