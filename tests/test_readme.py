"""What the README says is true: its Python runs, its study file is valid."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import optuna
import pytest

from cfexp.search.study_file import parse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    (code,) = blocks("python")
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - the README's own
    study = names["study"]
    assert isinstance(study, optuna.Study)
    assert study.best_value > 0.03
    assert "ndcg@10" in capsys.readouterr().out


def test_the_study_file_is_valid() -> None:
    (text,) = blocks("toml")
    assert parse(tomllib.loads(text)).name == "listens"


def test_the_files_that_are_linked_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)
