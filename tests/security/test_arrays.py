"""Files of arrays from strangers: models, vectors, vocabularies. Each ends in a clear error."""

from __future__ import annotations

import contextlib
import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import sparse

from cfexp import memory
from cfexp.arrays import as_text, load_arrays, save_arrays
from cfexp.data.side_information.attributes import Attributes
from cfexp.errors import CfexpError, DataError, ModelFileError
from cfexp.metrics.evaluation import Evaluation
from cfexp.models.als import ALS
from cfexp.models.saved import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.arrays import AnyArray


class Bomb:
    """Were it unpickled, it would write a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (Path("unpickled"), "")


def npy(array: AnyArray) -> bytes:
    written = io.BytesIO()
    np.save(written, array, allow_pickle=True)
    return written.getvalue()


def declared(shape: str, kind: str = "<f4", content: bytes = b"") -> bytes:
    """Return an array's file with any header."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def archive(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.npy": npy(np.array([Bomb()], object))}, "no array of numbers or text"),
        ({"a.npy": declared("(1000000000000000,)")}, "which it does not hold"),
        ({"a.npy": declared("(999999999999999999, 999999999999999999)")}, "does not hold"),
        ({"a.npy": declared("(-1,)")}, "no array of numbers"),
        ({"a.npy": declared("(1,)", "<f4", b"\0" * 3)}, "does not hold"),
        ({"a.npy": declared("(1,)", "|O", b"\0" * 8)}, "no array of numbers"),
        ({"a.npy": declared("(1,)", "|V8", b"\0" * 8)}, "no array of numbers"),
        ({"a.npy": declared("(1,)", ">f4", b"\0" * 4)}, "no array of numbers"),
        ({"a.npy": declared("(__import__('os').abort(),)")}, "no array of numbers"),
        ({"a.npy": declared("(1,)", "<U1", b"\xff" * 4)}, "characters that do not exist"),
        ({"a.npy": declared("(1,)", "<U1", b"\0\xd8\0\0")}, "characters that do not exist"),
        ({"a.npy": b""}, "no array of numbers"),
        ({"../../up.txt": b"x"}, "is no array"),
        ({"/etc/x": b"x"}, "is no array"),
    ],
)  # fmt: skip
def test_crafted_arrays(members: dict[str, bytes], words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        load_arrays(archive(tmp_path / "x.npz", members))
    assert list(Path.cwd().iterdir()) == []


def test_paths_as_names_are_only_names(tmp_path: Path) -> None:
    name = "../../cwd/up"
    path = archive(tmp_path / "x.npz", {f"{name}.npy": npy(np.ones(2))})
    assert list(load_arrays(path)) == [name]
    assert list(Path.cwd().iterdir()) == []


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    archive(path, {"a.npy": npy(np.ones(1)), "b.npy": npy(np.zeros(1))})
    path.write_bytes(path.read_bytes().replace(b"b.npy", b"a.npy"))
    with pytest.raises(DataError, match="the same name"):
        load_arrays(path)


def test_a_bomb_is_refused_by_its_declared_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = np.zeros(64 << 20, np.uint8)
    path = archive(tmp_path / "x.npz", {"a.npy": npy(zeros)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(memory, "available", lambda: 32 << 20)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"declares takes about 0\.1 GiB of memory"):
        load_arrays(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    with pytest.raises(ModelFileError, match="no header"):  # another's archive is not read at all
        load(path)


def test_text_takes_the_room_of_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 1 << 20)
    with pytest.raises(DataError, match="one of them has 1,000 characters"):
        as_text(["x" * 1000, *"y" * 1000], "titles")


@pytest.mark.parametrize("position", range(0, 400, 7))
def test_torn_and_flipped_files(position: int, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    save_arrays(
        path, {"a": np.arange(40), "t": np.array(["é", "b"])}, compressed=bool(position % 2)
    )
    whole = bytearray(path.read_bytes())
    whole[position % len(whole)] ^= 0x55
    path.write_bytes(whole)
    with contextlib.suppress(DataError):
        found = load_arrays(path)  # what was flipped is of no consequence, or a name
        assert any(one.tolist() == list(range(40)) for one in found.values())
    path.write_bytes(whole[: max(1, len(whole) - position - 1)])
    with pytest.raises(DataError):
        load_arrays(path)


@pytest.mark.parametrize("reader", [load_arrays, Evaluation.load, Attributes.load])
def test_what_is_no_archive(reader: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(npy(np.array([Bomb()], object)))
    with pytest.raises(DataError, match=r"x\.npz is damaged"):
        reader(tmp_path / "x.npz")
    with pytest.raises(DataError, match="there is no file"):
        reader(tmp_path)
    with pytest.raises(DataError, match="there is no file"):
        reader(Path("/dev/zero"))


@pytest.mark.parametrize(
    "arrays",
    [
        {"a": np.ones(3)},
        {"stage": np.array("test"), "users": np.arange(3), "numerator/ndcg@10": np.ones(4)},
        {"stage": np.array(["a", "b"]), "users": np.arange(3)},
        {"stage": np.array("test"), "users": np.ones((2, 2))},
    ],
)
def test_vectors_that_do_not_fit(arrays: dict[str, AnyArray], tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", arrays)
    with pytest.raises(DataError, match="no file of per-user metrics"):
        Evaluation.load(tmp_path / "x.npz")


@pytest.mark.parametrize("counts", [{}, {"counts": np.ones(3)}])
def test_attributes_without_their_counts(counts: dict[str, AnyArray], tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", counts)
    with pytest.raises(DataError, match="no file of user attributes"):
        Attributes.load(tmp_path / "x.npz")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    matrix = sparse.csr_array(np.array([[1, 1, 0], [0, 1, 1]], np.float32))
    path = tmp_path / "model.npz"
    ALS(factors=2, epochs=1).fit(matrix, rng=0).save(path)
    return path


def header(shape: tuple[int, int] = (2, 3), **fields: float) -> bytes:
    model = {"kind": "als", **fields}
    words = {"format": "cfexp model", "version": 1, "model": model, "shape": shape}
    return json.dumps(words).encode()


@pytest.mark.parametrize(
    "crafted",
    [
        b"[" * 100_000,
        b'{"format": "cfexp model", "version": Infinity}',
        b'{"format": "cfexp model", "version": 1' + b"0" * 5000 + b"}",
        b'{"format": "cfexp model", "version": 1}',
        b'{"format": "cfexp model", "version": 1, "model": {"kind": "als"}, "shape": [1e999, 3]}',
        header(alpha=float("nan")),
        header(shape=(10**15, 3)),
        b'{"format": "cfexp model", "version": 1, "model": {"kind": "als"}, "shape": [-2, 3]}',
        b"\xff\xfe",
        b"",
    ],
)
def test_crafted_headers_of_models(crafted: bytes, model: Path) -> None:
    save_arrays(model, load_arrays(model) | {"header": np.frombuffer(crafted, np.uint8)})
    with pytest.raises(ModelFileError):
        load(model)


def test_every_array_of_a_model_is_checked(model: Path) -> None:
    """Leave out, exchange or spoil each: an error, or a model that scores with finite numbers."""
    whole = load_arrays(model)
    spoilt: dict[str, Callable[[AnyArray], AnyArray]] = {
        "flat": np.ravel,
        "text": lambda one: one.astype(str),
        "short": lambda one: one[:-1],
        "not a number": lambda one: np.full(one.shape, np.nan, np.float32),
        "huge": lambda one: np.full(one.shape, np.iinfo(np.int64).max),
        "negative": lambda one: np.full(one.shape, -1),
    }
    refused = 0
    for name in set(whole) - {"header"}:
        others = {how: whole | {name: spoil(whole[name])} for how, spoil in spoilt.items()}
        others["left out"] = {key: one for key, one in whole.items() if key != name}
        for how, arrays in others.items():
            save_arrays(model, arrays)
            try:
                scores = load(model).recommend([0, 1], 2)["score"]
            except CfexpError:
                refused += 1
            else:
                assert np.isfinite(scores).all(), (name, how)
    assert refused > 20
    assert json.loads(whole["header"].tobytes())["format"] == "cfexp model"
