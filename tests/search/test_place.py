"""Where studies are, in words that can be typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfexp.search.place import DEFAULT_HOME, Place, command

SHARED = "postgresql://ann:secret@db/studies"


def test_a_command_says_what_is_not_the_default() -> None:
    assert command("sync", "plays", where=DEFAULT_HOME) == "cfexp sync plays"
    place = Place(Path("my home"), SHARED)
    assert command("sync", "plays", where=place, tracking_uri="http://ann:secret@host") == (
        "cfexp sync plays --home 'my home' --tracking-uri 'http://***@host' "
        "--storage 'postgresql://***@db/studies'"
    )


def test_a_command_leaves_out_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFEXP_STORAGE", SHARED)
    assert command("sync", "plays", where=Place(DEFAULT_HOME, SHARED)) == "cfexp sync plays"
