"""The process that computes: it reads tasks as JSON lines and answers in JSON lines.

A run that exhausts the memory or is killed takes this process along and nothing
else. It never touches Optuna or MLflow. Messages in: `setup` once, then `trial` or
`read` tasks; while a trial runs, `{"go": bool}` after each point. Messages out:
`{"note": ...}` for people, `{"point": ...}`, then `{"done": ...}` or `{"error": ...}`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import re
import sys
import threading
import traceback
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pydantic import TypeAdapter

from cfexp.analysis.bucket_recipe import Buckets, attributes_of
from cfexp.arrays import load_arrays
from cfexp.data.feedback import Feedback
from cfexp.data.side_information.attributes import Attributes
from cfexp.data.vocabulary import Vocabulary
from cfexp.errors import CfexpError
from cfexp.metrics.averages import over_folds
from cfexp.metrics.metric import Metric
from cfexp.models.any_model import AnyModel
from cfexp.peak import forget_peak, peak_memory
from cfexp.process import answers, messages_of
from cfexp.search.run.runs import read_run, search_run
from cfexp.search.spec.measures import Measures, measures
from cfexp.search.store.record import vectors_file
from cfexp.search.warm import compile_kernels
from cfexp.splits.stage_data import StageData, load_stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.models.model import Model
    from cfexp.search.store.record import Point

_MODEL: TypeAdapter[Model] = TypeAdapter(AnyModel)


class Worker:
    """Answers tasks until its input ends."""

    def __init__(self, messages: queue.Queue[dict[str, Any]], out: IO[str]) -> None:
        self._messages = messages
        self._out = out
        self._stages: dict[str, StageData] = {}
        self._measures = Measures((), ())
        self._folder = Path()
        self._evaluate_every = 1
        self._patience: int | None = None
        self._threads: int | None = None
        self._told: set[str] = set()

    def serve(self) -> None:
        """Answer one task after another."""
        tasks: dict[str, Callable[..., dict[str, Any]]] = {
            "setup": self._setup,
            "trial": self._trial,
            "read": self._read,
        }
        while True:
            task = self._messages.get()
            try:
                with warnings.catch_warnings():
                    warnings.showwarning = self._warned
                    answer: dict[str, Any] = {"done": tasks[task.pop("do")](**task)}
            except MemoryError as error:
                answer = {"error": f"out of memory: {error}"}
            except CfexpError as error:
                answer = {"error": str(error)}
            except Exception as error:  # noqa: BLE001 - reported as the run's reason
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            self._send(answer)

    def _send(self, message: dict[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def _warned(  # noqa: PLR0917 - of `warnings.showwarning`
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: IO[str] | None = None,  # noqa: ARG002
        line: str | None = None,
    ) -> None:
        """Pass on what models warn people of, once whatever the numbers; all goes to the log."""
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))
        kind = re.sub(r"\d+", "", str(message))
        if issubclass(category, UserWarning) and kind not in self._told:
            self._told.add(kind)
            self._send({"note": str(message)})

    def _setup(
        self,
        *,
        stages: str,
        folder: str,
        metrics: list[str],
        objectives: list[str],
        buckets: list[dict[str, Any]],
        feedback: dict[str, Any],
        evaluate_every: int,
        patience: int | None,
        threads: int,
    ) -> dict[str, Any]:
        self._stages = load_stages(Path(stages))
        self._folder = Path(folder)
        groupings = [Buckets.model_validate(one) for one in buckets]
        self._measures = measures(
            [Metric.parse(name) for name in metrics],
            objectives,
            groupings,
            Attributes.load(Path(stages, "users.npz")).only(attributes_of(groupings)),
        )
        self._feedback = Feedback.model_validate(feedback)
        self._evaluate_every = evaluate_every
        self._patience = patience
        self._threads = threads
        compile_kernels(lambda text: self._send({"note": text}))
        return {}

    def _report(self, point: Point) -> bool:
        self._send({"point": dataclasses.asdict(point)})
        return bool(self._messages.get()["go"])

    @property
    def _validation(self) -> list[StageData]:
        return [stage for name, stage in self._stages.items() if name != "test"]

    def _trial(self, *, model: dict[str, Any], mask: Any, seed: int) -> dict[str, Any]:  # noqa: ANN401
        forget_peak()
        result = search_run(
            _MODEL.validate_python(model),
            self._validation,
            self._measures.of_goals(),
            mask=mask,
            seed=seed,
            evaluate_every=self._evaluate_every,
            patience=self._patience,
            report=self._report,
            threads=self._threads,
        )
        return dataclasses.asdict(result) | {"peak_memory": peak_memory()}

    def _read(
        self,
        *,
        model: dict[str, Any],
        mask: Any,  # noqa: ANN401
        seed: int,
        vectors: str,
        scorer: str | None,
    ) -> dict[str, Any]:
        forget_peak()
        readings = read_run(
            _MODEL.validate_python(model),
            [*self._validation, self._stages["test"]],
            self._measures,
            mask=mask,
            seed=seed,
            threads=self._threads,
        )
        peak = peak_memory()
        evaluations = dict(readings.evaluations)
        parts = {"test": evaluations.pop("test")}
        if evaluations:
            parts["val"] = over_folds(list(evaluations.values()), "validation")
        for part, evaluation in parts.items():
            evaluation.save(self._folder / vectors_file(vectors, part))
        if scorer is not None:
            path = self._folder / scorer
            path.parent.mkdir(parents=True, exist_ok=True)
            ids = load_arrays(self._folder / "vocabulary.npz")
            readings.scorer.save(
                path,
                users=Vocabulary(ids["users"]),
                items=Vocabulary(ids["items"]),
                titles=ids.get("titles"),
                history=self._stages["test"].history,
                seen=self._stages["test"].seen,
                candidates=self._stages["test"].candidates,
                mask=mask,
                feedback=self._feedback,
            )
        return {
            "metrics": readings.metrics,
            "seconds": readings.seconds,
            "facts": readings.facts,
            "peak_memory": peak,
        }


def _listen(source: IO[str], messages: queue.Queue[dict[str, Any]]) -> None:
    try:
        for message in messages_of(source):
            messages.put(message)
    finally:
        os._exit(0)  # the coordinator is gone: nobody is left to answer


def main() -> None:
    """Serve the process that started this one, over standard input and output."""
    out = answers()
    messages: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin, messages), daemon=True).start()
    Worker(messages, out).serve()


if __name__ == "__main__":
    main()
