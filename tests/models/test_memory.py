"""The memory that is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfexp.models import memory


def test_the_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    whole = memory.available()
    assert whole is None or whole > 0
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("100\n")
    assert (memory.available() is None) == (whole is None)
    (tmp_path / "memory.max").write_text("1100\n")
    assert memory.available() == 1000


def test_without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    monkeypatch.setattr(memory, "_SYSTEM", tmp_path / "meminfo")
    assert (memory.available() or 2**40) > 2**20
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   7 kB\n")
    assert memory.available() == 7 * 1024
