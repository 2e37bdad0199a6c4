"""`run_study`, where everything meets: data, search, report, MLflow; and `join_study`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.errors import InputError
from cfexp.parallel import cores, excess
from cfexp.search.observer import Observer, Observers
from cfexp.search.place import DEFAULT_HOME, Place
from cfexp.search.timeout import Timeout
from cfexp.studies import open_study, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cfexp.search.record import StudyRecord
    from cfexp.search.spec import StudySpec

_MOMENT = 0.05  # seconds


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
    from cfexp.search.pool import Pool

    session = _Session()
    with _terminable(), ExitStack() as held:
        tracking = held.enter_context(_tracking(place, tracking_uri, watcher.note, track=track))
        everyone = Observers(session, watcher, tracking)
        try:
            # Workers and MLflow, which take seconds to start, do so while data are read.
            with Pool(workers, watcher.note) as pool:
                stages = (place.home / "studies" / spec.name / "stages").resolve()
                wanted = spec.search.trials if trials is None else trials
                facts, check = held.enter_context(_data(spec, place, stages, wanted, data))
                from cfexp.search.study import run

                store = run(
                    spec,
                    facts,
                    pool,
                    stages=stages,
                    where=place,
                    observer=everyone,
                    check=check,
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
    from cfexp.search.joining import join, stored_spec
    from cfexp.search.storage import told_of_storage

    with told_of_storage():
        store = open_study(place, name)
        spec = stored_spec(store)
        if store.all_ended():
            return store.record()
        watcher.phase("data", 0)
        from cfexp.search.pool import Pool
        from cfexp.search.prepare import prepare

        with _terminable(), Pool(workers, watcher.note) as pool:
            join(
                store,
                spec,
                prepare(spec),
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
        from cfexp.search.leases import lease_seconds

        lease_seconds()
    if place.storage is not None:
        from cfexp.search.postgres import check_shared

        check_shared(place.storage)
    if words := excess(threads or 1, workers):
        watcher.note(words)


def _threads(wanted: int | None, workers: int) -> int:
    return wanted or max(1, cores() // workers)


@contextmanager
def _data(
    spec: StudySpec,
    place: Place,
    stages: Path,
    trials: int,
    data: Any,  # noqa: ANN401
) -> Iterator[tuple[dict[str, Any], Callable[[], None]]]:
    """Hold the study's lock, and its data in the folder `stages`.

    Gives the facts of the data, and the check that the lock is still held.
    """
    from cfexp.search.kept import content_key, discard, keep, kept
    from cfexp.search.prepare import prepare
    from cfexp.search.study_lock import study_lock

    known = stages.parent.is_dir()  # else nothing is written before the data are in order
    with ExitStack() as held:
        check = held.enter_context(study_lock(place, spec.name)) if known else None
        key = content_key(spec) if data is None else None
        facts = kept(stages, key)
        prepared = prepare(spec, data) if facts is None else None
        evaluated = prepared.stages if prepared else (facts or {})["split"]["users_evaluated"]
        if spec.models and len(evaluated) == 1 and trials:
            raise InputError("trials need a validation stage; [split] validation = 0 leaves none")
        check = check or held.enter_context(study_lock(place, spec.name))
        held.callback(discard, stages)
        if prepared is not None:
            facts = keep(prepared, spec, stages, key)
        del prepared, evaluated  # the rows, which nobody reads again
        yield facts or {}, check


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


@contextmanager
def _terminable() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C while the block runs (in the main thread, where it can).

    Python ignores an exception in a weak reference's callback or `__del__`, Ctrl-C too; such
    a one comes again a moment later.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def ignored(what: sys.UnraisableHookArgs) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            threading.Timer(_MOMENT, signal.pthread_kill, [main, signal.SIGTERM]).start()
        else:
            hook(what)

    main = threading.get_ident()
    before, hook = signal.signal(signal.SIGTERM, interrupt), sys.unraisablehook
    sys.unraisablehook = ignored
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGTERM, before)


class _Session(Observer):
    """Remembers the study once it is in the store, for a session that ends early.

    From then on there is time to import what the report will need: workers compute.
    """

    study: StudyRecord | None = None

    def started(self, study: StudyRecord) -> None:
        self.study = study

    def computed(self, study: StudyRecord) -> None:
        self.study = study
        threading.Thread(target=import_module, args=["cfexp.report.ahead"]).start()
