"""The first compilation."""

from __future__ import annotations

import pytest

from cfexp.models import warm


def test_what_takes_a_while_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    warm.compile_kernels(said.append)
    said.clear()
    monkeypatch.setattr(warm, "_PATIENCE", 1000)
    warm.compile_kernels(said.append)
    assert said == []
    monkeypatch.setattr(warm, "_PATIENCE", -1)
    warm.compile_kernels(said.append)
    assert len(said) == 1
