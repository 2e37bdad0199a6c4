"""What the README says is true: its Python runs, its study file is valid."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import optuna
import pytest

from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import load_study, parse

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


def test_the_study_files_are_valid() -> None:
    assert [parse(tomllib.loads(text)).name for text in blocks("toml")] == ["plays", "listens"]


def test_the_shortest_study_reads_the_file_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "plays.toml").write_text(blocks("toml")[0])
    rows = [f"u{user},s{(user * at) % 30},{at}" for user in range(40) for at in range(1, 25)]
    (tmp_path / "plays.csv").write_text("\n".join(["user,song,time", *rows]) + "\n")
    facts = prepare(load_study(tmp_path / "plays.toml")).facts(load_study(tmp_path / "plays.toml"))
    assert facts["data"]["users"] == 40
    assert facts["split"]["rows"]["test"] > 0


def test_every_page_is_listed() -> None:
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    listed = re.findall(r"^\| \[([^\]]+)\]\(\1\) \|", README, flags=re.MULTILINE)
    assert set(listed) == pages | {"studies/README.md"}


def test_the_files_that_are_linked_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)
