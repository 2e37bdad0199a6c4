"""A study's lock and its prepared data, held while it runs."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cfexp.errors import InputError
from cfexp.search.prepared.kept import Kept, content_key, is_kept, keep, kept
from cfexp.search.prepared.prepare import prepare
from cfexp.search.prepared.sharing import share, shared, use
from cfexp.search.store.study_lock import study_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cfexp.search.place import Place
    from cfexp.search.spec.spec import StudySpec


@dataclass(frozen=True)
class Held:
    """The folder of the data, the facts of them, and the check that the lock is still held."""

    stages: Path
    facts: dict[str, Any]
    check: Callable[[], None]


@contextmanager
def held_data(
    spec: StudySpec,
    place: Place,
    trials: int,
    data: Any = None,  # noqa: ANN401
    say: Callable[[str], None] | None = None,
) -> Iterator[Held]:
    """Hold a study and its data: found in the home, or prepared, and left there to be found.

    What is not to be found again lies in the study's folder until the block ends. `say` is told
    that data were found, or what takes a while the first time on a machine.
    """
    own = (place.folder(spec.name) / "stages").resolve()
    known = own.parent.is_dir()  # else nothing is written before the data are in order
    with ExitStack() as held:
        check = held.enter_context(study_lock(place, spec.name)) if known else None
        key = content_key(spec) if data is None else None
        ready = _found(place.home, spec, key) or prepare(spec, data, say)
        if spec.models and len(ready.known.stages) == 1 and trials:
            raise InputError("trials need a validation stage; [split] validation = 0 leaves none")
        check = check or held.enter_context(study_lock(place, spec.name))
        held.callback(shutil.rmtree, own, ignore_errors=True)
        if isinstance(ready, Kept) and not use(place.home, spec.name, ready.key):
            ready = prepare(spec, data, say)
        if isinstance(ready, Kept):
            stages, facts = ready.folder, ready.facts(spec)
            if say is not None:
                say("data prepared before are used; no row is read again")
        else:
            facts = keep(ready, spec, own, key)
            stages = share(place.home, spec.name, key, own) if key and is_kept(own) else own
        del ready  # the rows, which nobody reads again
        yield Held(stages, facts, check)


def _found(home: Path, spec: StudySpec, key: str | None) -> Kept | None:
    found = kept(shared(home, key), key) if key else None
    if found is not None:
        found.known.check(spec)
    return found
