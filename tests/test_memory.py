"""The memory that is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfexp import memory
from cfexp.errors import DataError


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   7 kB\n")
    monkeypatch.setattr(memory, "_SYSTEM", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)


def test_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    whole = memory.available()
    assert whole is None or whole > 2**20


def test_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.available() == 7 * 1024
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": 5, "SC_PAGE_SIZE": 4096}.get)
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\n")
    assert memory.available() == 5 * 4096
    (tmp_path / "meminfo").unlink()
    assert memory.available() == 5 * 4096


def test_the_container_counts_without_its_caches(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory.available() == 7 * 1024
    (tmp_path / "memory.max").write_text("1100\n")
    assert memory.available() == 100
    (tmp_path / "memory.stat").write_text("anon 300\nfile 700\ninactive_file 600\n")
    assert memory.available() == 1100 - (1000 - 600)


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.needs("a list", 7 * 1024, "write it down")
    with pytest.raises(
        DataError, match=r"a table takes about 2\.0 GiB of memory and 0\.0 GiB are left; sit"
    ):
        memory.needs("a table", 2**31, "sit on the floor")
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.needs("a table", 2**60, "sit on the floor")
