"""A study that MLflow knows nothing of yet, in homes of its own."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import optuna
import pytest
from faults.campaign import migrated
from faults.outage import NAME, SPEC

from cfexp.launch import run_study
from cfexp.search.store.storage import ABOUT, open_storage


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a study that MLflow knows nothing of."""
    home = tmp_path_factory.mktemp("finished")
    run_study(SPEC, home=home, track=False)
    return home


COPIES = itertools.count(1)


@pytest.fixture
def home(finished: Path, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, whose study is another one to MLflow."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / "home"
    shutil.copytree(finished, home)
    shutil.copy(empty, home / "mlflow.db")
    study = optuna.load_study(study_name=NAME, storage=open_storage(home))
    about = study.user_attrs[ABOUT]
    study.set_user_attr(ABOUT, about | {"created": about["created"] + next(COPIES)})
    return home
