"""`SavedModel`: a scorer that speaks the original ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cfexp.data.feedback import Feedback
from cfexp.data.positives import Positives
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import DataError
from cfexp.models.folding import Histories, histories_of, some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from cfexp.arrays import AnyArray, Codes, Floats, Mask, Matrix
    from cfexp.models.model import MaskName
    from cfexp.models.scorer import Scorer


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A scorer with the original ids behind its codes, where they were saved."""

    scorer: Scorer
    users: Vocabulary | None = None
    items: Vocabulary | None = None
    titles: AnyArray | None = None
    seen: Matrix | None = None
    """Ones at every pair of the histories, positive or not."""
    mask: MaskName = "positives"
    """What the model's lists left out when it was evaluated."""
    feedback: Feedback = field(default_factory=Feedback)
    """What made positives of rows, and makes them of the histories of users to come."""
    candidates: Mask | None = None
    """The items that may be recommended; None: those that occur in `seen`."""

    def recommend(
        self,
        users: Sequence[Any] | AnyArray,
        k: int = 10,
        *,
        filter_seen: bool | None = None,
        candidates: Sequence[Any] | AnyArray | None = None,
        rescale: bool = False,
    ) -> pd.DataFrame:
        """Return the k best items of users given by original ids (codes where none are known).

        A table with columns user, rank (from 1), item, title (where titles are known)
        and score.

        Parameters
        ----------
        users, k
            Ids of users, and how many items for each.
        filter_seen
            Leave out what a user has had, or nothing; None: as when the model was
            evaluated.
        candidates
            The items to choose from: ids, or one bool per item. None: all that occur in
            what was seen, where that was saved; else all.
        rescale
            Scale scores to 0..1 for display, as in `Scorer.recommend`.

        Raises
        ------
        DataError
            When a user or a candidate is unknown.
        """
        asked = np.asarray(users)
        found = self.top(
            self.user_codes(asked),
            k,
            filter_seen=filter_seen,
            candidates=self._allowed(candidates),
            rescale=rescale,
        )
        return self._table(asked, *found)

    def recommend_from(
        self,
        histories: Sequence[Sequence[Any]],
        k: int = 10,
        *,
        users: Sequence[Any] | None = None,
        values: Sequence[Sequence[float] | None] | None = None,
        times: Sequence[Sequence[Any] | None] | None = None,
        filter_seen: bool | None = None,
        candidates: Sequence[Any] | AnyArray | None = None,
        rescale: bool = False,
    ) -> pd.DataFrame:
        """Do the same from what users had, whether the model knows them or not.

        Parameters
        ----------
        histories
            For every user the ids of their items, oldest first; the model scores from
            these alone. Items that it does not know are left out.
        users
            What the column `user` says. None: positions in `histories`, from 0.
        values, times
            One for each item of a history, as in the rows that the model learnt from. A
            history without values holds positives; one without times is in order.
        k, filter_seen, candidates, rescale
            As in `recommend`; what a user has had is what the history holds.

        Raises
        ------
        DataError
            When a history says nothing to the model, or lacks times that it needs.
        """
        found = self.top_from(
            self.folded(histories, values=values, times=times, owners=users),
            k,
            filter_seen=filter_seen,
            candidates=self._allowed(candidates),
            rescale=rescale,
        )
        asked = np.arange(len(histories)) if users is None else np.asarray(users)
        return self._table(asked, *found)

    def top(
        self,
        users: Codes,
        k: int = 10,
        *,
        filter_seen: bool | None = None,
        candidates: Mask | Codes | None = None,
        rescale: bool = False,
    ) -> tuple[Codes, Floats]:
        """Do the same as `recommend` by codes; return what `Scorer.recommend` does."""
        hides, everything = self._filter(filter_seen)
        return self.scorer.recommend(
            users,
            k,
            filter_seen=hides,
            hidden=self.seen[users] if everything and self.seen is not None else None,
            candidates=self.allowed if candidates is None else candidates,
            rescale=rescale,
        )

    def top_from(
        self,
        histories: Histories,
        k: int = 10,
        *,
        filter_seen: bool | None = None,
        candidates: Mask | Codes | None = None,
        rescale: bool = False,
    ) -> tuple[Codes, Floats]:
        """Do the same as `top` for histories that `folded` gave."""
        hides, everything = self._filter(filter_seen)
        return self.scorer.recommend_from(
            histories.positives,
            k,
            filter_seen=hides,
            hidden=histories.seen if everything else None,
            candidates=self.allowed if candidates is None else candidates,
            rescale=rescale,
        )

    def with_items(
        self,
        ids: Sequence[Any] | AnyArray,
        columns: Mapping[str, Sequence[Any] | AnyArray],
        titles: Sequence[str] | None = None,
    ) -> SavedModel:
        """Return the model with further items, known by their features: see `new_items`."""
        from cfexp.models.new_items import with_items

        return with_items(self, ids, columns, titles)

    def folded(
        self,
        histories: Sequence[Sequence[Any]],
        *,
        values: Sequence[Sequence[float] | None] | None = None,
        times: Sequence[Sequence[Any] | None] | None = None,
        owners: Sequence[Any] | None = None,
    ) -> Histories:
        """Return what the model scores from, given what users had; see `recommend_from`."""
        own = self.scorer.history
        made = histories_of(
            histories,
            Vocabulary(np.arange(own.shape[1])) if self.items is None else self.items,
            self.feedback,
            values=values,
            times=times,
            owners=owners,
        )
        if made.positives.age is None and self.needs_times:
            raise DataError(
                'the model fades a history by its age (recency_by = "age"); give the times of '
                "its items"
            )
        if own.rank is None:  # it learnt from a plain matrix, whose entries have no order
            return Histories(Positives(made.positives.matrix), made.seen)
        return made

    @property
    def needs_times(self) -> bool:
        """Whether a history needs times: the model fades it by its age."""
        return self.scorer.model.scores_by_age and self.scorer.history.age is not None

    def user_codes(self, ids: AnyArray) -> Codes:
        """Return the codes of users; raise a DataError that names those with nothing to go by."""
        past = self.scorer.history
        hint = "; for others, give a history"
        codes = _known(ids, self.users, past.shape[0], "users", hint)
        empty = np.diff((past if self.seen is None else self.seen).indptr)[codes] == 0
        if empty.any():
            raise DataError(
                f"{empty.sum()} of {len(ids)} users have no row in the training data: "
                f"{some(ids[empty].tolist())}; for them, give a history"
            )
        return codes

    def _table(self, asked: AnyArray, best: Codes, scores: Floats) -> pd.DataFrame:
        import pandas as pd

        found = best >= 0
        items = best[found]
        row, rank = np.nonzero(found)
        table = {
            "user": asked[row],
            "rank": rank + 1,
            "item": items if self.items is None else self.items.ids[items],
        }
        if self.titles is not None:
            table["title"] = self.titles[items]
        return pd.DataFrame({**table, "score": scores[found]})

    def _filter(self, filter_seen: bool | None) -> tuple[bool, bool]:  # noqa: FBT001
        """Return whether lists leave anything out, and whether that is all that was seen."""
        hides = self.mask != "none" if filter_seen is None else filter_seen
        return hides, hides and (filter_seen is not None or self.mask == "interacted")

    @cached_property
    def allowed(self) -> Mask | None:
        """The items that lists are made of where no candidates are given; None: all."""
        if self.candidates is not None or self.seen is None:
            return self.candidates
        occurs: Mask = np.bincount(self.seen.indices, minlength=self.seen.shape[1]) > 0
        return occurs

    def _allowed(self, candidates: Sequence[Any] | AnyArray | None) -> Mask | Codes | None:
        ids = None if candidates is None else np.asarray(candidates)
        if ids is None or ids.dtype == bool:
            return ids
        return _known(ids, self.items, self.scorer.n_items, "candidates")


def _known(
    ids: AnyArray, vocabulary: Vocabulary | None, n: int, asked: str, hint: str = ""
) -> Codes:
    """Return the codes of original ids, which without a vocabulary are the codes.

    Raises DataError for what was `asked` for and is not among the `n` of the training data.
    """
    if vocabulary is not None:
        codes: AnyArray = vocabulary.codes(ids)
    else:
        codes = ids if ids.dtype.kind in "iu" else np.full(ids.shape, -1)
    unknown = ids[(codes < 0) | (codes >= n)]
    if len(unknown):
        side = "items" if asked == "candidates" else asked
        raise DataError(
            f"{len(unknown)} of {len(ids)} {asked} are not among the {n} {side} of the training "
            f"data: {some(unknown.tolist())}{hint}"
        )
    return codes.astype(np.int32)
