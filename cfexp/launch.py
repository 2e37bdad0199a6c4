"""`run_study`, where everything meets: data, search, report, MLflow; and `join_study`."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.errors import InputError
from cfexp.parallel import cores, excess
from cfexp.search.observer import Observer, Observers
from cfexp.search.place import DEFAULT_HOME, Place
from cfexp.search.run.timeout import Timeout
from cfexp.signals import terminable
from cfexp.studies import open_study, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cfexp.search.spec.spec import StudySpec
    from cfexp.search.store.record import RunRecord, StudyRecord


def run_study(
    spec: StudySpec,
    *,
    home: str | Path = DEFAULT_HOME,
    storage: str | None = None,
    trials: int | None = None,
    workers: int = 1,
    threads: int | None = None,
    tracking_uri: str | None = None,
    track: bool = True,
    timeout: float | None = None,
    observer: Observer | None = None,
    data: Any = None,  # noqa: ANN401 - a data frame of any library
) -> StudyRecord:
    """Run what is missing of a study and return what is known of it.

    Parameters
    ----------
    spec
        The study, from `load_study`.
    home
        The folder of everything that studies write.
    storage
        The PostgreSQL database that several machines share studies in; None is the home's
        own SQLite file.
    trials
        The whole study's number of trials, in place of the file's; never lowers it.
    workers
        Computing processes. With more than one, the order in which trials end decides
        what later trials try: such a study does not repeat exactly.
    threads
        Threads of each worker; None shares the processors out.
    tracking_uri
        MLflow's store in place of MLFLOW_TRACKING_URI and `home`.
    track
        Whether MLflow is written at all.
    timeout
        Seconds from now after which no trial begins any more. Trials that run then go back to
        waiting; finals and report are made of those that have ended, and the next session
        goes on with the others.
    observer
        Told how the study goes on.
    data
        The rows of a study with `[data] kind = "frame"`: a data frame (pandas, Polars, Arrow)
        with its columns, or `Interactions`.

    Raises
    ------
    InputError
        When the data, the split or the stored study do not allow it; nothing was
        written then.
    KeyboardInterrupt
        On Ctrl-C or SIGTERM, when everything finished is stored; call again to resume.
    StorageError
        When a shared storage goes away; everything finished is in it, call again to resume.
    """
    if timeout is not None and not timeout > 0:
        raise InputError(f"a timeout is more than 0 seconds, not {timeout}")
    limit = None if timeout is None else Timeout.after(timeout)
    place = Place(Path(home), storage)
    watcher = observer or Observer()
    _check(place, workers, threads, watcher)
    watcher.phase("data", 0)
    from cfexp.search.run.pool import Pool

    session = _Session()
    with terminable(), ExitStack() as held:
        tracking = held.enter_context(_tracking(place, tracking_uri, watcher.note, track=track))
        everyone = Observers(session, watcher, tracking)
        try:
            # Workers and MLflow, which take seconds to start, do so while data are read.
            with Pool(workers, watcher.note) as pool:
                from cfexp.search.prepared.holding import held_data

                wanted = spec.search.trials if trials is None else trials
                ready = held.enter_context(held_data(spec, place, wanted, data, watcher.note))
                from cfexp.search.run.study import run

                store = run(
                    spec,
                    ready.facts,
                    pool,
                    stages=ready.stages,
                    where=place,
                    observer=everyone,
                    check=ready.check,
                    trials=trials,
                    threads=_threads(threads, workers),
                    timeout=limit,
                )
            watcher.phase("report", 0)
            everyone.computed(store.record())
            study = report(store)
            everyone.completed(study)
        except BaseException:
            if session.study is not None:
                everyone.interrupted(session.study)
            raise
    return study


def join_study(
    name: str,
    *,
    home: str | Path = DEFAULT_HOME,
    storage: str | None = None,
    workers: int = 1,
    threads: int | None = None,
    observer: Observer | None = None,
) -> StudyRecord:
    """Run waiting trials of a stored study, beside others that do, until none waits.

    The study is what its storage says; relative paths of its data start from the working
    folder, then from CFEXP_DATA_DIR. Parameters and errors are those of `run_study`;
    other data, or another version of cfexp, are a StudyConflictError.
    """
    place = Place(Path(home), storage)
    watcher = observer or Observer()
    _check(place, workers, threads, watcher)
    from cfexp.search.run.joining import join, stored_spec
    from cfexp.search.store.storage import told_of_storage

    with told_of_storage():
        store = open_study(place, name)
        spec = stored_spec(store)
        if store.all_ended():
            return store.record()
        watcher.phase("data", 0)
        from cfexp.search.prepared.prepare import prepare
        from cfexp.search.run.pool import Pool

        with terminable(), Pool(workers, watcher.note) as pool:
            join(
                store,
                spec,
                prepare(spec, say=watcher.note),
                pool,
                home=place.home,
                observer=watcher,
                threads=_threads(threads, workers),
            )
        return store.record()


def _check(place: Place, workers: int, threads: int | None, watcher: Observer) -> None:
    """Refuse what could not be run, before anything is read or written."""
    if workers < 1 or (threads is not None and threads < 1):
        raise InputError(f"workers and threads start at 1, not {workers} and {threads}")
    if os.environ.get("CFEXP_LEASE_SECONDS"):
        from cfexp.search.store.leases import lease_seconds

        lease_seconds()
    if place.storage is not None:
        from cfexp.search.store.postgres import check_shared

        check_shared(place.storage)
    if words := excess(threads or 1, workers):
        watcher.note(words)


def _threads(wanted: int | None, workers: int) -> int:
    return wanted or max(1, cores() // workers)


@contextmanager
def _tracking(
    place: Place, uri: str | None, say: Callable[[str], None], *, track: bool
) -> Iterator[Observer]:
    """Give an observer that writes to MLflow while the block runs, or one that does nothing."""
    if not track:
        yield Observer()
        return
    from cfexp.tracking.beside import Beside

    with closing(Beside(place.home, uri, say, place.storage)) as beside:
        yield beside


class _Session(Observer):
    """Remembers the study once it is in the store, for a session that ends early."""

    study: StudyRecord | None = None

    def started(self, study: StudyRecord) -> None:
        self.study = study

    def finished(self, run: RunRecord) -> None:
        if run.role == "final":  # there is time to import what the report needs: the next computes
            import cfexp.report.ahead  # noqa: F401

    def computed(self, study: StudyRecord) -> None:
        self.study = study
