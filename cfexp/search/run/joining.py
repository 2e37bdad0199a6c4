"""Joining a stored study from any machine: its trials are run here, nothing else of it.

The coordinator, `cfexp run`, reads baselines and finals and writes reports and MLflow.
"""

from __future__ import annotations

import itertools
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

import cfexp
from cfexp.errors import StudyConflictError
from cfexp.provenance import provenance
from cfexp.search.prepared.kept import keep
from cfexp.search.run.study import set_up
from cfexp.search.run.trials import Trials
from cfexp.search.spec.conflicts import refuse_other
from cfexp.search.spec.spec import StudySpec
from cfexp.search.store.claims import Claims
from cfexp.search.store.storage import ABOUT
from cfexp.search.store.study_lock import folder_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.search.observer import Observer
    from cfexp.search.prepared.prepare import Prepared
    from cfexp.search.run.pool import Pool
    from cfexp.search.store.store import Store


def stored_spec(store: Store) -> StudySpec:
    """Return a stored study's spec, its data looked for from the working folder.

    Raises
    ------
    StudyConflictError
        When another version of cfexp stored it, whose trials might differ from ours.
    """
    about = store.study.user_attrs[ABOUT]
    name, version = store.study.study_name, about.get("version")
    if version == cfexp.__version__:
        try:
            return StudySpec.model_validate(about["spec"]).read_from(about["text"], Path.cwd())
        except ValidationError:
            pass  # another state of the same version
    raise StudyConflictError(
        f"study {name!r} is run by cfexp {version or '(unknown)'}, and this is "
        f"{cfexp.__version__}; all machines of a study need the same one"
    )


def join(
    store: Store,
    spec: StudySpec,
    prepared: Prepared,
    pool: Pool,
    *,
    home: Path,
    observer: Observer,
    threads: int,
) -> None:
    """Run waiting trials in the workers of `pool` until none waits.

    Raises
    ------
    StudyConflictError
        When the data here are not those of the study, which nothing was written of then;
        or when it is deleted meanwhile.
    """
    claims = Claims(store, coordinator=False)
    claims.check()  # reading the data took time
    here = prepared.facts(spec) | {"version": cfexp.__version__, "science": spec.science_hash}
    refuse_other(spec, store.study.user_attrs[ABOUT], here)
    with (
        _folder(home / "workers" / spec.name) as folder,
        _stages(prepared, spec, folder / "stages") as stages,
        claims,
    ):
        set_up(pool, spec, stages, folder, threads)
        facts = provenance() | {"threads": f"{threads}", "workers": f"{len(pool)}"}
        store.add_environment(facts, claims.worker)
        study = store.record()
        observer.started(study)
        observer.phase("trials", study.budget)
        known = [run.trial for run in study.of_role("trial")]
        trials = Trials(spec, store, claims, observer, known=known, check=lambda: None)
        trials.run(pool, to_the_end=False)


@contextmanager
def _stages(prepared: Prepared, spec: StudySpec, folder: Path) -> Iterator[Path]:
    """Hold the study's matrices in a folder while the block runs."""
    keep(prepared, spec, folder, None)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    """Give the first folder that no other process uses; a killed one's is used again."""
    with ExitStack() as held:
        for number in itertools.count(1):
            folder = (parent / str(number)).resolve()
            try:
                held.enter_context(folder_lock(folder, "in use"))
            except StudyConflictError:
                continue
            break
        yield folder
