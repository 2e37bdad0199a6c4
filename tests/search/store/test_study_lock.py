"""A study belongs to one coordinator; whoever only looks is not in its way."""

import threading
from pathlib import Path

import pytest

from cfexp.errors import StudyConflictError
from cfexp.search.store.study_lock import folder_lock, is_running, study_lock


def test_a_second_coordinator_is_refused(tmp_path: Path) -> None:
    with (
        study_lock(tmp_path, "songs"),
        pytest.raises(StudyConflictError, match="'songs' is being run by another process"),
        study_lock(tmp_path, "songs"),
    ):
        pass


def test_looking_takes_no_study_away(tmp_path: Path) -> None:
    assert not is_running(tmp_path, "songs")
    with study_lock(tmp_path, "songs"):
        assert is_running(tmp_path, "songs")
    looking, seen = threading.Event(), threading.Event()

    def look() -> None:  # as is_running does, but slower
        with folder_lock(tmp_path / "studies" / "songs", ""):
            looking.set()
            seen.wait(0.1)

    looker = threading.Thread(target=look)
    looker.start()
    looking.wait()
    with study_lock(tmp_path, "songs"):
        assert is_running(tmp_path, "songs")
    looker.join()
    assert not is_running(tmp_path, "songs")
