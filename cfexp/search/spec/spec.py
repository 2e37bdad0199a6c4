"""`StudySpec`: what a study file says. The file is the science; flags are logistics."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, StringConstraints

from cfexp.analysis.bucket_recipe import Buckets
from cfexp.analysis.worst import Goal, ObjectiveName, WorstBucket, goal_of, measured_by
from cfexp.data.cleaning.rules import AnyRule
from cfexp.data.database.database import Database
from cfexp.data.feedback import Feedback
from cfexp.data.sources import AnySource
from cfexp.metrics.metric import Metric, MetricName
from cfexp.models.any_model import AnyModel
from cfexp.models.model import MaskName, Model
from cfexp.recipe import Recipe
from cfexp.search.place import NAME
from cfexp.search.spec.document import without_login
from cfexp.search.spec.samplers import TPE, AnyPruner, AnySampler, Median
from cfexp.search.spec.space import AnyRange, Value
from cfexp.splits.any_split import AnySplit

Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$", max_length=80)]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("each objective may be named once")
    return names


class Entry(Recipe):
    """A model with the fields that are fixed; the others have their defaults."""

    model: AnyModel
    """The model: its `kind` and any fields to fix."""
    name: Name | None = None
    """What the leaderboard calls it; left out: its kind. Distinct within a study."""
    mask: MaskName = "interacted"
    """What is hidden from a user's list: every pair of their history, its positives, nothing."""

    @property
    def label(self) -> str:
        """`name`, or the model's kind."""
        return self.name or self.model.kind

    @property
    def digest(self) -> str:
        """A short hash of the model and the mask: baselines may change within a study."""
        text = self.model_dump_json(include={"model", "mask"})
        return hashlib.blake2b(text.encode(), digest_size=3).hexdigest()


class Baseline(Entry):
    """A model that is compared with, untuned."""


class Tuned(Entry):
    """A model that is tuned: fields in `space` are searched, the others stay."""

    space: dict[str, AnyRange] = Field(default_factory=dict)
    """A range for every field to search."""
    share: Annotated[float, Field(gt=0)] = 1.0
    """This model's share of the trials, relative to the others'."""
    start: tuple[dict[str, Value], ...] = ()
    """Known configurations to try first, each a value for some of the searched fields."""

    def configured(self, values: dict[str, Value]) -> Model:
        """Return the model with `values` in place of its fields."""
        model: Model = type(self.model).model_validate({**self.model.model_dump(), **values})
        return model


class Search(Recipe):
    """How the configurations are looked for."""

    trials: Annotated[int, Field(ge=0, le=1_000_000)] = 30
    """Number of trials of the whole study; `--trials` on the command line raises it."""
    sampler: AnySampler = TPE()
    """How the next configuration is chosen."""
    pruner: AnyPruner = Median()
    """When a hopeless trial is given up."""
    evaluate_every: Annotated[int, Field(ge=1)] = 1
    """Validate after every so many epochs (and after the last)."""
    patience: Annotated[int, Field(ge=1)] | Literal["never"] = 5
    """A trial ends, complete, when so many validations in a row have not improved on its best;
    with "never" it trains all its epochs."""
    trial_timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds that a trial may take. It then ends, complete, with the best of the epochs that
    it has evaluated, or fails where there is none. Like the budget, it may be changed later."""

    @property
    def idle_points(self) -> int | None:
        """`patience` as a number; None for "never"."""
        return None if self.patience == "never" else self.patience


class Finals(Recipe):
    """The best configurations are run again over several seeds before one is named."""

    configurations: Annotated[int, Field(ge=1)] = 3
    """How many of the best trials are run again; the best of every other model is, too."""
    seeds: Annotated[int, Field(ge=1)] = 3
    """Over how many seeds; the default configuration and stochastic baselines too."""


class StudySpec(Recipe):
    """A whole study."""

    name: Name
    """The study's name: its experiment in MLflow, its folder under the home."""
    description: str = ""
    """A sentence or two for whoever opens the results."""
    seed: Annotated[int, Field(ge=0)] = 0
    """All randomness derives from it."""
    objectives: Annotated[
        tuple[ObjectiveName, ...], Field(min_length=1), AfterValidator(_distinct)
    ] = ("ndcg@10",)
    """What the search improves, on validation; the first one picks epochs and the winner.
    `"recall@10:worst:gender"` is recall@10 of the group that has the worst of it, among those
    of the `[[buckets]]` with `metric = "recall@10"` and `by = "gender"`."""
    metrics: tuple[MetricName, ...] = ("recall@10", "ndcg@10")
    """What is reported besides the objectives."""
    data: AnySource
    """Where the rows come from."""
    clean: tuple[AnyRule, ...] = ()
    """Rules that drop or change rows before the split, one `[[clean]]` each, applied in the
    order of the file: after the split's `since` and `until`, before its `min_user` and
    `min_item`."""
    feedback: Feedback = Feedback()
    """What counts as a preference."""
    split: AnySplit
    """What is held out."""
    search: Search = Search()
    """How the configurations are looked for."""
    finals: Finals = Finals()
    """The best ones are run again before one is named."""
    models: tuple[Tuned, ...] = ()
    """The models to tune, one `[[models]]` each."""
    baselines: tuple[Baseline, ...] = ()
    """The models to compare with, one `[[baselines]]` each."""
    buckets: tuple[Buckets, ...] = ()
    """Metrics by group of users or class of items, one `[[buckets]]` each."""

    _text: str = PrivateAttr(default="")
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def text(self) -> str:
        """The study file as it was written, secrets masked; empty for a study made in Python."""
        return self._text

    @property
    def folder(self) -> Path:
        """The folder that relative data paths start from."""
        return self._folder

    def read_from(self, text: str, folder: Path) -> StudySpec:
        """Return the same study, remembering the file's folder and its text without secrets.

        InputError where a login in the text cannot be masked.
        """
        spec = self.model_copy()
        address = self.data.url if isinstance(self.data, Database) else ""
        spec._text = without_login(text, address) if text else ""  # noqa: SLF001
        spec._folder = folder  # noqa: SLF001
        return spec

    @property
    def all_metrics(self) -> tuple[Metric, ...]:
        """Objectives, reported metrics and the buckets', each once.

        Of an objective that is a worst group, the group's metric.
        """
        names = [*map(measured_by, self.objectives), *self.metrics]
        names += [bucket.metric for bucket in self.buckets]
        return tuple(Metric.parse(name) for name in dict.fromkeys(names))

    @property
    def needing_features(self) -> list[str]:
        """The models and metrics that look at item features, in words for messages."""
        entries = [one.model for one in (*self.models, *self.baselines)]
        kinds = [f"model {model.kind!r}" for model in entries if model.needs_features]
        metrics = [f"metric {str(one)!r}" for one in self.all_metrics if one.needs_features]
        return list(dict.fromkeys(kinds + metrics))

    @property
    def objective(self) -> Goal:
        """The first objective: it picks epochs and the winner."""
        return self.goals[0]

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The objectives."""
        return tuple(map(goal_of, self.objectives))

    @property
    def worst_buckets(self) -> tuple[Buckets, ...]:
        """The buckets that objectives are the worst of."""
        worst = [goal for goal in self.goals if isinstance(goal, WorstBucket)]
        return tuple(goal.among(self.buckets) for goal in worst)

    @property
    def science(self) -> dict[str, Any]:
        """What must be equal for a study to be resumed: all but budget, words and readings.

        A time limit changes only the trials that it ends, which say so: it is part of the budget.

        Buckets belong to it where an objective is the worst of them.
        """
        values = self.model_dump(mode="json")
        for key in ("description", "baselines", "finals", "buckets"):
            del values[key]
        if self.worst_buckets:
            values["buckets"] = [one.model_dump(mode="json") for one in self.worst_buckets]
        for key in ("trials", "trial_timeout"):
            del values["search"][key]
        return values

    @property
    def science_hash(self) -> str:
        """A hash of `science`."""
        text = json.dumps(self.science, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
