"""Files of arrays appear whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
import pytest

from cfexp.arrays import save_arrays


@pytest.mark.parametrize("compressed", [False, True])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compressed: bool
) -> None:
    file = tmp_path / "some.npz"
    ids = np.array(["007", "ä"], object)
    save_arrays(file, {"column/file": np.arange(3), "ids": ids}, compressed=compressed)

    def torn(stream: IO[bytes], **_: object) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed" if compressed else "savez", torn)
    with pytest.raises(OSError, match="No space"):
        save_arrays(file, {"column/file": np.arange(9)}, compressed=compressed)
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]
    with np.load(file, allow_pickle=False) as again:
        assert again["column/file"].tolist() == [0, 1, 2]
        assert again["ids"].tolist() == ["007", "ä"]
