"""What can be done with a study that is stored: opened, reported, projected, registered."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.errors import InputError, StudyConflictError, TrackingError
from cfexp.search.place import Place

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.search.audit import Check
    from cfexp.search.place import Where
    from cfexp.search.store.record import StudyRecord
    from cfexp.search.store.store import Store


def open_study(where: Where, name: str) -> Store:
    """Open a stored study.

    Raises
    ------
    StudyConflictError
        When there is none of this name; names those that there are.
    """
    from cfexp.search.store.store import Store

    return Store.load(name, where)


def report(store: Store) -> StudyRecord:
    """Write the study's report and return its record, the verdict with it."""
    from cfexp.report.verdict import abstract
    from cfexp.report.write import write

    study = store.record()
    write(study, store.mirror(), study.report_folder)
    return dataclasses.replace(study, verdict=tuple(abstract(study)))


def write_page(where: Where, name: str, file: Path | None = None) -> Path:
    """Write a study's report page anew, beside its other reports or to `file`; return where.

    Raises
    ------
    InputError
        When there is no such study, or `file` cannot be written.
    """
    from cfexp.report.html.contents import html_report
    from cfexp.report.write import REPORT

    store = open_study(where, name)
    study = store.record()
    file = file or study.report_folder / REPORT
    page = html_report(study, store.mirror())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}") from None
    return file


def sync(where: Where, name: str, *, tracking_uri: str | None = None) -> StudyRecord:
    """Write everything that the store knows of a study and MLflow does not.

    Raises
    ------
    StudyConflictError
        When there is no such study, or a process runs it and writes to MLflow beside it.
    TrackingError
        When MLflow cannot be written.
    """
    store = open_study(where, name)
    _refuse_running(where, name, "sync")
    study = report(store)
    _project(study, Place.of(where), tracking_uri)
    return study


@dataclass(frozen=True)
class Audit:
    """What was looked at of a study, and in words what failed without being lost."""

    study: str
    checks: tuple[Check, ...]
    remarks: tuple[str, ...]

    @property
    def problems(self) -> list[Check]:
        """What does not agree."""
        return [check for check in self.checks if check.problem]


def audit(where: Where, name: str, *, tracking_uri: str | None = None, track: bool = True) -> Audit:
    """Compare the store of a study, its files and MLflow, row by row; nothing is written.

    Raises
    ------
    StudyConflictError
        When there is no such study, or a process runs it.
    TrackingError
        When MLflow cannot be reached.
    """
    from cfexp.search.audit import audit_files, audit_store, remarks
    from cfexp.search.store.forget import refuse_held

    store = open_study(where, name)
    _refuse_running(where, name, "audit")
    refuse_held(where, name)
    study = store.record()
    checks = [*audit_store(store), *audit_files(study)]
    if track:
        from cfexp.tracking.audit import audit_mlflow

        checks += audit_mlflow(study, Place.of(where).home, tracking_uri)
    return Audit(name, tuple(checks), tuple(remarks(study)))


def _refuse_running(where: Where, name: str, verb: str) -> None:
    from cfexp.search.store.study_lock import is_running

    if is_running(where, name):
        raise StudyConflictError(f"study {name!r} is being run; {verb} it when that has ended")


def _project(study: StudyRecord, place: Place, tracking_uri: str | None) -> None:
    from cfexp.tracking.mlflow import MlflowTracker

    problems: list[str] = []
    tracker = MlflowTracker(tracking_uri, place.home, problems.append, storage=place.storage)
    if tracker.complete(study) is None:
        raise TrackingError(" ".join(problems))


@dataclass(frozen=True)
class Registration:
    """A study's winner as a version of a registered model; `words` say who is champion."""

    name: str
    version: str
    new: bool
    champion: bool
    words: str


def register(
    where: Where, study: str, name: str, *, tracking_uri: str | None = None
) -> Registration:
    """Register a study's winner in MLflow as a version of `name`; once, however often asked.

    The alias `champion` goes to it when there is no champion, or when it is better than the
    champion on the test set of the split that both were measured on.

    Raises
    ------
    InputError
        When the study has no winner, or no registered model can have this name.
    StudyConflictError
        When there is no such study, or a process runs it.
    TrackingError
        When MLflow cannot be written.
    """
    from cfexp.report.champion import about, decide
    from cfexp.report.compare import contender
    from cfexp.tracking.reason import told
    from cfexp.tracking.registry import Registry, check_name

    check_name(name)
    place = Place.of(where)
    store = open_study(where, study)
    _refuse_running(where, study, "register")
    record = report(store)
    ours = contender(record, None)
    _project(record, place, tracking_uri)
    with told(f"{name!r} cannot be registered"):
        registry = Registry(name, place.home, tracking_uri)
        with registry.lock:
            champion = registry.champion()
            version, new = registry.add(record, ours.name, ours.evaluation)
            if champion is not None and champion.number == version:
                words = f"{champion.label} is the champion."
                return Registration(name, version, new=new, champion=True, words=words)
            decision = decide(ours, champion)
            registry.settle(version, about(ours), moves=decision.moves, words=decision.words)
    return Registration(name, version, new=new, champion=decision.moves, words=decision.words)
