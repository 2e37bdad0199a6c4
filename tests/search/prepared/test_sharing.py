"""Prepared data that studies of a home share: by whom they are used, and when they go."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock
from helpers import outcomes

import cfexp.search.prepared.holding
import cfexp.search.prepared.sharing
from cfexp.deletion import Deletion
from cfexp.errors import InputError
from cfexp.launch import run_study
from cfexp.search.place import Place
from cfexp.search.prepared.holding import held_data
from cfexp.search.prepared.kept import Kept, kept
from cfexp.search.prepared.prepare import Prepared, prepare
from cfexp.search.prepared.sharing import use
from cfexp.search.spec.spec import StudySpec
from cfexp.splits.stage_data import load_stages
from cfexp.tracking.artifacts import file_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def named(spec: StudySpec, name: str, **changes: object) -> StudySpec:
    values = spec.model_dump(mode="json", exclude_unset=True) | {"name": name} | changes
    return StudySpec.model_validate(values).read_from("", spec.folder)


def start(spec: StudySpec, home: Path) -> Path:
    """Start a study and end it at once; return where its data were."""
    with held_data(spec, Place(home), 1) as held:
        assert load_stages(held.stages)
        return held.stages


def entries(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "prepared").iterdir())


@contextmanager
def preparing(instead: Callable[..., object]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cfexp.search.prepared.holding, "prepare", instead)
        yield


def no_rows(*_: object) -> None:
    pytest.fail("rows were read")


def test_another_study_on_the_same_data_reads_no_row_and_finds_the_same(
    logged: StudySpec, home: Path, tmp_path: Path
) -> None:
    start(logged, home)
    (key,) = entries(home)
    before = {file.name: file.read_bytes() for file in (home / "prepared" / key).iterdir()}
    other = named(
        logged,
        "other",
        seed=3,
        objectives=["recall@10:worst:zip"],
        buckets=[{"metric": "recall@10", "by": "zip", "minimum": 1}],
        models=[{"model": {"kind": "item_knn"}, "space": {"neighbours": LOW}}],
        baselines=[{"model": {"kind": "content"}}],
    )
    with preparing(no_rows):
        found = run_study(other, home=home, track=False)
        start(logged, home)  # and itself again
    fresh = run_study(other, home=tmp_path / "elsewhere", track=False)
    assert outcomes(found) == outcomes(fresh)
    assert (found.data, found.split) == (fresh.data, fresh.split)
    assert found.fingerprint == fresh.fingerprint
    for name in ("users.npz", "vocabulary.npz"):
        one, two = (np.load(Path(study.folder, name)) for study in (found, fresh))
        assert sorted(one) == sorted(two)
        for array in one:
            np.testing.assert_array_equal(one[array], two[array], strict=True)
    assert set(np.load(Path(found.folder, "users.npz"))) == {"counts", "column/zip"}
    assert before == {file.name: file.read_bytes() for file in (home / "prepared" / key).iterdir()}
    assert not list(home.rglob("stages"))
    written = file_digests(Path(found.folder))  # what MLflow has to know
    assert "users.npz" in written
    assert "prepared" not in written


LOW = {"kind": "int", "low": 2, "high": 8}


def test_another_split_has_data_of_its_own_until_nobody_uses_them(
    logged: StudySpec, home: Path
) -> None:
    last = {"kind": "per_user_last", "test": 3, "novel_only": True}
    shared, own = start(logged, home), start(named(logged, "other", split=last), home)
    assert start(named(logged, "third"), home) == shared != own
    assert entries(home) == sorted([shared.name, own.name])
    start(named(logged, "other"), home)  # its file was changed
    assert entries(home) == [shared.name]


def test_a_deletion_takes_along_what_no_other_study_uses(logged: StudySpec, home: Path) -> None:
    shared = start(logged, home)
    assert start(named(logged, "other"), home) == shared
    with Deletion(home, "other", track=False) as deletion:
        assert not [part for part in deletion.parts() if "prepared" in part]
        deletion.delete()
    assert entries(home) == [shared.name]
    with Deletion(home, "logged", track=False) as deletion:
        (part,) = [part for part in deletion.parts() if "prepared" in part]
        assert part.startswith(f"prepared data that no other study uses, {shared} (")
        deletion.delete()
    assert entries(home) == []


def test_nothing_is_written_for_a_study_that_data_do_not_allow(
    logged: StudySpec, home: Path
) -> None:
    start(logged, home)
    unfit = named(logged, "unfit", buckets=[{"metric": "recall@10", "by": "income"}])
    with pytest.raises(InputError, match="no such attribute"):
        start(unfit, home)
    assert [folder.name for folder in (home / "studies").iterdir()] == ["logged"]


def test_what_goes_between_being_found_and_used_is_prepared_anew(
    logged: StudySpec, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = start(logged, home)

    def late(home: Path, name: str, key: str) -> bool:
        with Deletion(home, "logged", track=False) as deletion:
            deletion.delete()
        assert entries(home) == []
        return use(home, name, key)

    with monkeypatch.context() as patched:
        patched.setattr(cfexp.search.prepared.holding, "use", late)
        assert start(named(logged, "other"), home) == shared
    assert entries(home) == [shared.name]


def test_two_that_prepare_at_once_have_the_same_and_disturb_nobody(
    logged: StudySpec, home: Path
) -> None:
    inodes: dict[str, int] = {}
    with ExitStack() as held:

        def overtaken(spec: StudySpec, *data: object) -> Prepared:
            with preparing(prepare):
                first = held.enter_context(held_data(named(logged, "other"), Place(home), 1))
            inodes.update({file.name: file.stat().st_ino for file in first.stages.iterdir()})
            return prepare(spec, *data)

        with preparing(overtaken):
            second = held.enter_context(held_data(logged, Place(home), 1))
        assert entries(home) == [second.stages.name]
        assert inodes == {file.name: file.stat().st_ino for file in second.stages.iterdir()}
    assert not list(home.rglob("stages"))


def test_data_of_others_are_compared_while_nobody_waits(
    logged: StudySpec, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[Path] = []

    def lockless(folder: Path, key: str) -> Kept | None:
        compared.append(folder)
        with FileLock(home / "locks" / "prepared.lock", timeout=0):  # a second one in this process
            return kept(folder, key)

    def overtaken(spec: StudySpec, *data: object) -> Prepared:
        with preparing(prepare):
            start(named(logged, "other"), home)
        monkeypatch.setattr(cfexp.search.prepared.sharing, "kept", lockless)
        return prepare(spec, *data)

    with preparing(overtaken):
        folder = start(logged, home)
    assert compared == [folder]
    assert kept(folder, folder.name) is not None


def test_what_another_has_put_in_place_of_damage_meanwhile_stays(
    logged: StudySpec, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = start(named(logged, "other"), home)
    inode = put.stat().st_ino
    seen = iter([None])  # damaged when it was first looked at
    monkeypatch.setattr(cfexp.search.prepared.sharing, "kept", lambda *its: next(seen, kept(*its)))
    monkeypatch.setattr(cfexp.search.prepared.holding, "_found", lambda *_: None)
    assert start(logged, home) == put
    assert next(seen, "looked at") == "looked at"
    assert put.stat().st_ino == inode
    assert entries(home) == [put.name]


def test_damage_is_replaced_under_readers_that_keep_what_they_have(
    logged: StudySpec, home: Path
) -> None:
    folder = start(logged, home)
    mapped = load_stages(folder)["test"].training.positives.indices
    before = mapped.copy()
    (folder / "users.npz").write_bytes(b"")
    with held_data(named(logged, "other"), Place(home), 1) as held:
        assert held.stages == folder
        assert kept(folder, folder.name) is not None
        np.testing.assert_array_equal(mapped, before)
    assert entries(home) == [folder.name]


def test_only_what_is_ours_is_removed(logged: StudySpec, home: Path) -> None:
    left = [home / "prepared" / f"{dot}{'0' * 32}" for dot in ("", ".")]
    mine = home / "prepared" / "mine"
    for folder in (*left, mine):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    note = home / "studies" / "odd" / "prepared"
    note.mkdir(parents=True)  # no file: what it names is not known
    folder = start(logged, home)
    assert entries(home) == sorted([*(one.name for one in left), "mine", folder.name])
    note.rmdir()
    start(logged, home)
    assert entries(home) == sorted([folder.name, "mine"])


def test_a_home_that_cannot_be_written(logged: StudySpec, home: Path) -> None:
    home.mkdir()
    (home / "prepared").write_text("no folder")
    with pytest.raises(InputError, match=f"the home {home} cannot be written"):
        start(logged, home)


DYING = """
import itertools, os, shutil, signal, sys
from pathlib import Path
import pandas, pyarrow.csv  # once for all children
from cfexp.search.prepared.holding import held_data
from cfexp.search.place import Place
from cfexp.search.spec.study_file import load_study

spec, homes = load_study(sys.argv[1]), Path(sys.argv[2])
steps = 0

def started(home, name):
    with held_data(spec.model_copy(update={"name": name}), Place(home), 1):
        pass

def deadly(function, last):
    def call(*arguments, **options):
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

def child(work):
    process = os.fork()
    if process == 0:
        work()
        os._exit(0)
    return process

def dies(home, last):
    for owner, names in ((Path, ("write_text", "replace", "rename")), (shutil, ("move", "rmtree"))):
        for name in names:
            setattr(owner, name, deadly(getattr(owner, name), last))
    started(home, "logged")

for last in itertools.count(1):
    home = homes / str(last)
    shutil.copytree(homes / "damaged", home)
    if os.waitpid(child(lambda: dies(home, last)), 0)[1] == 0:
        break
racing = [child(lambda: started(homes / "race", f"study {n}")) for n in range(4)]
print(last - 1, *(os.waitpid(one, 0)[1] for one in racing))
"""


def test_killed_at_any_moment_nothing_half_is_used_and_racing_ones_share(
    logged: StudySpec, tmp_path: Path
) -> None:
    homes = tmp_path / "homes"
    damaged = start(named(logged, "first"), homes / "damaged")
    (damaged / "users.npz").write_bytes(b"")
    command = [sys.executable, "-c", DYING, tmp_path / "logged.toml", homes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250)
    kills, *racing = map(int, done.stdout.split())
    assert kills > 10, done.stderr
    for number in range(1, kills + 1):
        home = homes / str(number)
        there = kept(home / "prepared" / damaged.name, damaged.name)
        with preparing(prepare if there is None else no_rows):
            folder = start(logged, home)
        assert kept(folder, damaged.name) is not None
        assert entries(home) == [damaged.name]
        assert not list(home.rglob("stages"))
    assert racing == [0] * 4, done.stderr
    assert entries(homes / "race") == [damaged.name]
    assert kept(homes / "race" / "prepared" / damaged.name, damaged.name) is not None


def test_a_hit_is_said(logged: StudySpec, home: Path) -> None:
    said: list[str] = []
    for name in ("one", "other"):
        with held_data(named(logged, name), Place(home), 1, None, said.append):
            pass
    assert said == ["data prepared before are used; no row is read again"]
