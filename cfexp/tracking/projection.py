"""`Projection`: one study's runs in MLflow, brought up to date from its records.

A run is found again by its tag `cfexp.key` and is done when its tag `cfexp.digest`
equals the record's and its status is final, which is written last. Tags are written as
the run is made, all else in one `log_batch`; whatever a killed process left is completed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cfexp.search.store.standing import ended, is_finished
from cfexp.tracking.artifacts import log_dataset
from cfexp.tracking.experiment import all_runs
from cfexp.tracking.names import STATUS, Entry, digest, run_entry, run_name, run_tags
from cfexp.tracking.notes import study_note
from cfexp.tracking.summary import identity, marks, study_entry, study_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from cfexp.search.store.record import RunRecord, StudyRecord


class Projection:
    """The parent run of a study and its children, by `cfexp.key`.

    `ids` maps the key of every child that exists to its MLflow run id; `has_made` says
    whether a run was made here, which may be there twice if MLflow's answer was lost.
    """

    def __init__(
        self, client: MlflowClient, experiment_id: str, study: StudyRecord, context: dict[str, str]
    ) -> None:
        self.client = client
        self.experiment_id = experiment_id
        self.ids: dict[str, str] = {}
        self._done: dict[str, tuple[str, str]] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._with_data: set[str] = set()
        self.has_made = False
        self._study = study
        self._context = context
        parent = self._parent()
        if not _names_data(parent):
            log_dataset(client, parent.info.run_id, study)
        self.parent_id: str = parent.info.run_id
        self.parent_digest: str | None = parent.data.tags.get("cfexp.digest")
        self.parent_status: str = parent.info.status
        for run in self._children(parent):
            key = run.data.tags.get("cfexp.key", "")
            if key in self.ids:  # made twice, when MLflow's answer to the first was lost
                surplus = run.info.run_id if key in self._done else self.ids.pop(key)
                client.delete_run(surplus)
                if key in self._done:
                    continue
                self._with_data.discard(key)
            self.ids[key] = run.info.run_id
            if run.info.status in STATUS.values():
                self._done[key] = run.info.status, run.data.tags.get("cfexp.digest", "")
            self._tags[key] = run.data.tags
            if _names_data(run):
                self._with_data.add(key)

    def _parent(self) -> Run:
        """Return the study's run: as it is, restored where somebody deleted it, or made.

        One that was made twice, when MLflow's answer to the first was lost, keeps its children.
        """
        from mlflow.entities import ViewType

        tags = identity(self._study)
        found = list(self._search(tags)) or list(self._search(tags, ViewType.DELETED_ONLY))
        if not found:
            self.has_made = True
            tags |= self._context | {"mlflow.note.content": study_note(self._study)}
            return self.client.create_run(
                self.experiment_id,
                start_time=self._study.created,
                tags=tags,
                run_name=self._study.name,
            )
        parent, *others = found
        if others:
            parent, *others = sorted(found, key=lambda run: -len(self._children(run)))
        if parent.info.lifecycle_stage == "deleted":
            self.client.restore_run(parent.info.run_id)
            return parent
        for other in others:
            for run in (*self._children(other), other):
                self.client.delete_run(run.info.run_id)
        return parent

    def _children(self, parent: Run) -> list[Run]:
        return list(self._search({"mlflow.parentRunId": parent.info.run_id}))

    def _search(self, tags: dict[str, str], view: int | None = None) -> Iterator[Run]:
        return all_runs(self.client, [self.experiment_id], tags, view)

    def run(self, run: RunRecord) -> None:
        """Write one child run; nothing happens when it is there already."""
        entry = run_entry(run)
        wanted = STATUS[run.state], entry.tags["cfexp.digest"]
        if self._done.get(run.key) == wanted:
            return
        if run.key not in self.ids:
            tags = run_tags(self._study, run) | self._context | entry.tags
            tags["mlflow.parentRunId"] = self.parent_id
            self.has_made = True
            made = self.client.create_run(
                self.experiment_id, start_time=run.started, tags=tags, run_name=run_name(run)
            )
            self.ids[run.key] = made.info.run_id
            entry = dataclasses.replace(entry, tags={})  # another batch costs more than all tags
        run_id = self.ids[run.key]
        if run.key not in self._with_data:
            log_dataset(self.client, run_id, self._study)
            self._with_data.add(run.key)
        self._forget_failure(run, run_id)
        self.write(run_id, entry)
        self.client.set_terminated(run_id, STATUS[run.state], run.ended)
        self._done[run.key] = wanted

    def write(self, run_id: str, entry: Entry) -> None:
        """Write parameters, metrics and tags, as few batches as MLflow's limits allow."""
        from mlflow.entities import Metric, Param, RunTag

        self.client.log_batch(
            run_id,
            metrics=[Metric(s.name, s.value, s.time, s.step) for s in entry.samples],
            params=[Param(name, value) for name, value in entry.params.items()],
            tags=[RunTag(name, value) for name, value in entry.tags.items()],
        )

    def _forget_failure(self, run: RunRecord, run_id: str) -> None:
        """Take the reason of a failure from a run that was repeated and ended well."""
        known = self._tags.get(run.key, {})
        if run.state == "complete" and "cfexp.reason" in known:
            for name in ("mlflow.note.content", "cfexp.reason"):  # the last says that both are gone
                if known.pop(name, None) is not None:
                    self.client.delete_tag(run_id, name)

    def mark(self, study: StudyRecord) -> None:
        """Write what runs are to the study, such as its winner, where that has changed."""
        for key, tags in marks(study).items():
            known = self._tags.setdefault(key, {})
            if any(known.get(name) != value for name, value in tags.items()):
                self.write(self.ids[key], Entry(tags=tags))
                known |= tags

    def running(self) -> None:
        """Set the study's run running, also when it had ended."""
        if self.parent_status != "RUNNING":
            self.client.update_run(self.parent_id, status="RUNNING")
            self.parent_status = "RUNNING"

    def interrupt(self, study: StudyRecord, when: int) -> None:
        """Write how far the study came and end its run; a resume reopens it.

        Of a study that had ended, and was interrupted over its report, nothing is written:
        what it found is said when that is complete.
        """
        if not is_finished(study):
            self.write(self.parent_id, study_entry(study))
        self.end(study_status(study), when)

    def is_complete(self, study: StudyRecord, wanted: str) -> bool:
        """Return whether the study's run was brought up to this digest."""
        return (self.parent_status, self.parent_digest) == (study_status(study), wanted)

    def finish(self, study: StudyRecord, wanted: str) -> None:
        """Write the study's own values; its run is killed while the study is unfinished."""
        entry = study_entry(study)
        entry.tags["cfexp.digest"] = wanted
        self.write(self.parent_id, entry)
        self.end(study_status(study), ended(study))
        self.parent_digest = wanted

    def end(self, status: str, when: int) -> None:
        """End the study's run."""
        self.client.set_terminated(self.parent_id, status, when)
        self.parent_status = status


def _names_data(run: Run) -> bool:
    return bool(run.inputs and run.inputs.dataset_inputs)


def study_digest(study: StudyRecord, files: dict[str, str]) -> str:
    """Return a hash of all that a complete projection shows, uploaded files included."""
    return digest([dataclasses.asdict(study), files])
