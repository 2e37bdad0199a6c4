"""From what people type to a model, its users and its items."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from cfexp.analysis.words import plain
from cfexp.data.side_information.item_table import ItemTable
from cfexp.errors import DataError, ModelFileError, StudyConflictError, did_you_mean
from cfexp.models.folding import some
from cfexp.models.new_items import features_of
from cfexp.models.saved import load
from cfexp.models.saved_model import SavedModel
from cfexp.search.place import Place, Where
from cfexp.studies import open_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfexp.arrays import AnyArray
    from cfexp.data.vocabulary import Vocabulary

_LISTED = 10
_SUFFIX = ".npz"
_TITLE = "title"


def open_model(name: str, where: Where, tracking_uri: str | None = None) -> SavedModel:
    """Return the model in a file, of a study of a home or shared storage, or behind an MLflow URI.

    Raises
    ------
    ModelFileError
        When there is none, or the file is not a model.
    TrackingError
        When MLflow does not have it.
    """
    from cfexp.tracking.download import download_model, is_model_uri

    if is_model_uri(name):
        with tempfile.TemporaryDirectory(prefix="cfexp-model-") as folder:
            return load(
                download_model(name, Path(folder), home=Place.of(where).home, store=tracking_uri)
            )
    file = Path(name)
    if file.is_file() or file.suffix == _SUFFIX:
        return load(file)
    try:
        study = open_study(where, name).record()
    except StudyConflictError as error:
        raise ModelFileError(f"{name!r} is neither a model file nor a study: {error}") from error
    saved = study.model_file
    if not saved.is_file():
        if study.readings:
            raise ModelFileError(
                f"study {name!r} has its model in the home of the machine that ran it, "
                f"not as {saved}"
            )
        raise ModelFileError(f"study {name!r} has no model yet; finish it with cfexp run")
    return load(saved)


def with_new_items(model: SavedModel, file: Path) -> tuple[SavedModel, AnyArray]:
    """Return the model with the items of a file that are new to it, and the ids of all in it.

    The first column is the id, a column "title" the title, the others are item features.

    Raises
    ------
    DataError
        When the file cannot be read, or the model knows no features.
    """
    columns = features_of(model).columns
    if not file.is_file():
        raise DataError(f"there is no file {file}")
    table = ItemTable(
        path=str(file),
        id=1,
        separator="\t" if file.suffix == ".tsv" else ",",
        lists={one.name: one.separator for one in columns if one.separator},
        categories=(_TITLE, *(one.name for one in columns if one.values and not one.separator)),
    )
    known, features, _ = table.rows(file)
    if not len(known):
        raise DataError(f"there are no items in {file}")
    own = np.arange(model.scorer.n_items) if model.items is None else model.items.ids
    ids = known.ids if own.dtype.kind in "iu" else known.ids.astype(str).astype(object)
    new = ~np.isin(ids.astype(str), own.astype(str))
    if not new.all():
        typer.echo(
            f"{np.count_nonzero(~new):,} of {len(ids):,} items in {file} already known to the "
            "model; of these, the features that it was trained with count",
            err=True,
        )
    titles = features.pop(_TITLE, np.full(len(ids), "", object))[new]
    if new.any():
        described = {name: column[new] for name, column in features.items()}
        for one in columns:
            if strange := one.strange(described.get(one.name, np.array([], str))):
                typer.echo(
                    f"{one.name}: nothing was learnt of {some(strange)}; counted as none of the "
                    "known values",
                    err=True,
                )
        model = model.with_items(ids[new], described, titles.tolist())
    return model, ids


@dataclass(frozen=True, eq=False)
class Lookup:
    """Finds users by id, and items by id or title."""

    model: SavedModel

    def users(self, names: Sequence[str]) -> AnyArray:
        """Return the original ids (codes where none were saved) that people wrote."""
        n = self.model.scorer.history.shape[0]
        ids = [_id(name, self.model.users, n) for name in names]
        for name, one in zip(names, ids, strict=True):
            if one is None:
                close = did_you_mean(name, _spelled(self.model.users))
                raise DataError(f"user {name!r} is not among the {n:,} of the model{close}")
        return np.array(ids, object if isinstance(ids[0], str) else np.int64)

    def user_code(self, one: Any) -> int:  # noqa: ANN401 - an id from `users`
        """Return the code behind an original id."""
        vocabulary = self.model.users
        return int(one) if vocabulary is None else int(vocabulary.codes(np.array([one]))[0])

    def item(self, name: str) -> int:
        """Return the code of an item by id, exact title, or unique part of a title."""
        found = _id(name, self.model.items, self.model.scorer.n_items)
        if found is not None:
            vocabulary = self.model.items
            return int(found if vocabulary is None else vocabulary.codes(np.array([found]))[0])
        titles = [] if self.model.titles is None else [str(one) for one in self.model.titles]
        folded, wanted = [title.casefold() for title in titles], name.casefold()
        for matches in (
            [code for code, title in enumerate(titles) if title == name],
            [code for code, title in enumerate(folded) if title == wanted],
            [code for code, title in enumerate(folded) if wanted and wanted in title],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                raise DataError(self._several(name, matches))
        close = did_you_mean(name, [*_spelled(self.model.items), *titles])
        kinds = "id or title" if titles else "id"
        raise DataError(
            f"no item has the {kinds} {name!r} among the {self.model.scorer.n_items:,} "
            f"of the model{close}"
        )

    def named(self, code: int) -> dict[str, Any]:
        """Return an item's id and, where titles are known, its title."""
        vocabulary, titles = self.model.items, self.model.titles
        one = code if vocabulary is None else vocabulary.ids[code]
        item = {"item": one.item() if hasattr(one, "item") else one}
        return item if titles is None else {**item, "title": str(titles[code])}

    def label(self, code: int) -> str:
        """Return an item as people know it."""
        names = self.named(code)
        title = names.get("title")
        return plain(f"{title} ({names['item']})" if title else str(names["item"]))

    def _several(self, name: str, codes: list[int]) -> str:
        lines = [f"  {self.label(code)}" for code in codes[:_LISTED]]
        if len(codes) > _LISTED:
            lines.append(f"  and {len(codes) - _LISTED} more")
        head = f"{len(codes)} items have {name!r} in their title; give the id of one:"
        return "\n".join([head, *lines])


def _id(name: str, vocabulary: Vocabulary | None, n: int) -> int | str | None:
    """Return the id written as `name`, in the type that ids have; None when unknown."""
    if vocabulary is not None and vocabulary.ids.dtype.kind not in "iu":
        return name if vocabulary.codes(np.array([name], object))[0] >= 0 else None
    try:
        number = int(name)
    except ValueError:
        return None
    if vocabulary is None:
        return number if 0 <= number < n else None
    return number if vocabulary.codes(np.array([number]))[0] >= 0 else None


def _spelled(vocabulary: Vocabulary | None) -> list[str]:
    return [] if vocabulary is None else [str(one) for one in vocabulary.ids]
