"""`Splitter`: the contract of everything that divides rows into stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from cfexp.data.cleaning.compact import compacted
from cfexp.data.cleaning.rules import clean
from cfexp.data.cleaning.step import begun, stepped
from cfexp.errors import SplitError
from cfexp.recipe import Recipe
from cfexp.splits.cleaning import core, in_window
from cfexp.splits.moments import Cutoff, Moment
from cfexp.splits.split import Split, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cfexp.arrays import Codes, Mask
    from cfexp.data.cleaning.rule import Rule
    from cfexp.data.interactions import Interactions

Strangers: TypeAlias = Literal["refuse", "drop", "count"]
ColdItems: TypeAlias = Literal["miss", "drop", "candidates", "only"]


@dataclass(frozen=True, eq=False)
class Part:
    """What a stage takes of the rows, as masks over them; no `history` is the fit rows.

    `strangers` are users who have held-out rows and no history: a mistake of the split
    ("refuse"), left out ("drop"), or scored from nothing ("count").
    """

    name: str
    fit: Mask
    held_out: Mask
    history: Mask | None = None
    strangers: Strangers = "refuse"

    @property
    def past(self) -> Mask:
        """The history's rows."""
        return self.fit if self.history is None else self.history


class Splitter(Recipe, ABC):
    """Which rows are used at all, what stays held out, and what is fitted for the test.

    A subclass adds `kind: Literal["..."]` and its fields. It says in `parts` which rows
    each stage takes, and in `check` what must hold for its stages beyond what holds for
    all.
    """

    kind: str
    fit_for_test: Literal["train", "train+validation"] = "train+validation"
    """What models learn from, and have as history, before they are read on test."""
    novel_only: bool = False
    """Drop held-out rows whose user had the item in their history before."""
    cold_items: ColdItems = "miss"
    """Held-out items that the fitted rows never saw. "miss": nobody can recommend them, so
    they count as misses; "drop": they are dropped from what is to be predicted;
    "candidates": they may be recommended like all others, which takes a model that knows
    items by their features (`content`); "only": nothing else is to be predicted, and
    nothing else may be recommended."""
    min_user: Annotated[int, Field(ge=1)] = 1
    """Drop users with fewer different items, before the split and looking at all rows, also
    those held out later; repeated with min_item until all left have enough."""
    min_item: Annotated[int, Field(ge=1)] = 1
    """Drop items with fewer different users, likewise."""
    since: Cutoff | None = None
    """Drop rows before this date, or older than so many days back from the newest row that
    `until` leaves."""
    until: Moment | None = None
    """Drop rows from this date on, which is not included."""

    @abstractmethod
    def parts(self, rows: Interactions) -> Sequence[Part]:
        """Return the validation parts and, last, the test part; SplitError where not possible."""

    def check(self, stage: Stage) -> None:
        """Raise SplitError when a stage breaks what this kind of split promises."""

    def split(self, rows: Interactions) -> Split:
        """Clean `rows` by the split's own settings and divide them.

        Raises
        ------
        SplitError
            When the rows do not allow these settings.
        DataError
            When the rows lack what the split needs, such as times.
        """
        return self.divide(self.cleaned(rows))

    def cleaned(self, rows: Interactions, rules: Iterable[Rule] = ()) -> Interactions:
        """Return the rows to be divided: those in the window, after `rules`, in the core.

        The window comes first, so that rules look at no row outside of it; the core comes
        last, so that what it promises holds. Users and items of whom nothing is left are gone.
        Errors are those of `split` and the rules'.
        """
        read = rows = begun(rows)
        if self.since is not None or self.until is not None:
            rows = rows.select(in_window(rows, self.since, self.until))
            rows = stepped(rows, f"outside {_window(self.since, self.until)}")
        rows = clean(rows, rules)
        if self.min_user > 1 or self.min_item > 1:
            rows = rows.select(core(rows, self.min_user, self.min_item))
            core_words = f"min_user = {self.min_user}, min_item = {self.min_item}"
            rows = stepped(rows, f"below {core_words}")
        changed = len(rows) < len(read) or rows.items is not read.items
        return compacted(rows) if changed else rows

    def divide(self, rows: Interactions) -> Split:
        """Divide rows that are clean; errors as for `split`."""
        dropped: dict[str, int] = {}
        parts = self.parts(rows)
        masks = {id(mask): mask for part in parts for mask in (part.fit, part.past)}
        chosen = {key: rows.select(mask) for key, mask in masks.items()}  # shared where the same
        stages = []
        for part in parts:
            fit, history = chosen[id(part.fit)], chosen[id(part.past)]
            held = self._held_out(part, rows, fit, history, dropped)
            predicted = rows.select(held)
            stages.append(
                Stage(
                    part.name,
                    fit,
                    history,
                    predicted,
                    strangers=part.strangers == "count",
                    candidates=self._candidates(fit, predicted),
                )
            )
            self.check(stages[-1])
        return Split(
            validation=tuple(stages[:-1]),
            test=stages[-1],
            rows={"train": len(stages[0].fit)}
            | {stage.name: len(stage.held_out) for stage in stages},
            settings=self.model_dump(mode="json"),
            dropped={reason: count for reason, count in dropped.items() if count},
        )

    def in_order(self, label: Codes, folds: int, *, strangers: Strangers = "refuse") -> list[Part]:
        """Return the parts of rows labelled with their stage, each fitted on all before it.

        Labels are -1 for train, 0 to folds - 1 for validation, folds for test.
        """
        fits = [label < fold for fold in range(folds + 1)]
        if self.fit_for_test == "train":
            fits[folds] = fits[0]
        return [
            Part(name, fits[place], label == place, strangers=strangers)
            for place, name in enumerate([*validation_names(folds), "test"])
        ]

    def _held_out(
        self,
        part: Part,
        rows: Interactions,
        fit: Interactions,
        history: Interactions,
        dropped: dict[str, int],
    ) -> Mask:
        """Return the held-out rows that remain to be predicted; count the others in `dropped`."""
        held = part.held_out
        if not held.any():
            raise SplitError(f"stage {part.name!r}: the split leaves no rows to predict")

        def drop(unwanted: Mask, setting: str, reason: str) -> None:
            nonlocal held
            dropped[f"{part.name}: {setting}"] = int(np.count_nonzero(held & unwanted))
            held = held & ~unwanted
            if not held.any():
                raise SplitError(
                    f"stage {part.name!r}: with {setting} nothing is left to predict, {reason}"
                )

        if part.strangers == "drop":
            strange = history.user_lengths[rows.user] == 0
            asked = "new_users" in type(self).model_fields
            setting = 'new_users = "drop"' if asked else "users without a history left out"
            drop(strange, setting, "as no user has rows before")
        if self.novel_only:
            repeated = held.copy()
            repeated[held] = _known(history, rows.select(held))
            reason = "as every held-out row repeats a pair of the user's history"
            drop(repeated, "novel_only = true", reason)
        if self.cold_items == "drop":
            cold = ~fit.occurring[rows.item]
            drop(cold, 'cold_items = "drop"', "as no item occurs in the fitted rows")
        if self.cold_items == "only":
            known = fit.occurring[rows.item]
            drop(known, 'cold_items = "only"', "as every item occurs in the fitted rows")
        return held

    def _candidates(self, fit: Interactions, predicted: Interactions) -> Mask | None:
        """Return the items that may be recommended; None for those of the fitted rows."""
        if self.cold_items == "only":
            return predicted.occurring
        return fit.occurring | predicted.occurring if self.cold_items == "candidates" else None


def _window(since: float | str | None, until: str | None) -> str:
    """Return a window in words.

    >>> _window(30.0, "2024-05-01")
    'since 30 days back, until 2024-05-01'
    """
    start = f"{since:g} days back" if isinstance(since, float) else since
    bounds = {"since": start, "until": until}
    return ", ".join(f"{word} {one}" for word, one in bounds.items() if one is not None)


def _known(history: Interactions, rows: Interactions) -> Mask:
    """Return which rows hold a pair that occurs in `history`."""
    n_items = len(rows.items)
    past, pairs = (part.user.astype(np.int64) * n_items + part.item for part in (history, rows))
    past.sort()  # np.isin takes 40 times as long
    found: Mask = np.searchsorted(past, pairs, "right") > np.searchsorted(past, pairs)
    return found


def validation_names(folds: int) -> list[str]:
    """Return the names of the validation stages: `validation`, or `validation-1` and so on."""
    return ["validation"] if folds == 1 else [f"validation-{n + 1}" for n in range(folds)]
