"""From a scorer to its file; `cfexp.models.saved` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.data.rows.sound import exchanged
from cfexp.errors import DataError
from cfexp.models import archive

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.arrays import AnyArray, Mask, Matrix
    from cfexp.data.feedback import Feedback
    from cfexp.data.positives import Positives
    from cfexp.data.vocabulary import Vocabulary
    from cfexp.models.model import MaskName
    from cfexp.models.scorer import Scorer


def write_scorer(
    scorer: Scorer,
    path: Path,
    *,
    users: Vocabulary | None,
    items: Vocabulary | None,
    titles: AnyArray | None,
    seen: Matrix | None,
    mask: MaskName,
    feedback: Feedback | None,
    history: Positives,
    candidates: Mask | None,
) -> None:
    """Do what `Scorer.save` says."""
    shape = scorer.history.shape
    _check_lengths(shape, users=users, items=items, titles=titles, candidates=candidates)
    for name, given, other in (("seen", seen, "history"), ("history", history, "training data")):
        if given is not None and given.shape != shape:
            raise DataError(
                f"{name} has shape {given.shape}, the {other} {shape}: both must be users x "
                f"items{exchanged(given.shape, shape)}"
            )
    arrays: dict[str, AnyArray | None] = {
        "history.indptr": history.indptr,
        "history.indices": history.indices,
        "history.data": history.data,
        "history.rank": history.rank,
        "history.age": history.age,
        "seen.indptr": None if seen is None else seen.indptr,
        "seen.indices": None if seen is None else seen.indices,
        "users": None if users is None else users.ids,
        "items": None if items is None else items.ids,
        "titles": titles,
        "candidates": candidates,
        **{f"scorer.{name}": array for name, array in scorer.arrays().items()},
    }
    archive.write(
        path,
        {
            "model": scorer.model.model_dump(mode="json"),
            "shape": list(shape),
            "mask": mask,
            **({} if feedback is None else {"feedback": feedback.model_dump(mode="json")}),
        },
        {name: array for name, array in arrays.items() if array is not None},
    )


def _check_lengths(
    shape: tuple[int, int],
    *,
    users: Vocabulary | None,
    items: Vocabulary | None,
    titles: AnyArray | None,
    candidates: Mask | None,
) -> None:
    n_users, n_items = shape
    for name, given, n in (
        ("users", users, n_users),
        ("items", items, n_items),
        ("titles", titles, n_items),
        ("candidates", candidates, n_items),
    ):
        if given is not None and len(given) != n:
            raise DataError(
                f"{len(given)} {name} for a model of {n_users} users and {n_items} items; "
                "are users and items exchanged?"
            )
