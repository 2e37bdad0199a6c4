"""`--storage` as a person gives it: what cannot be used is refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import SMALL, call, invoke
from servers import new_database

from cfexp.errors import InputError, StudyConflictError

DOWN = "postgresql://ann:s3cret@127.0.0.1:9/studies"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


def refused(*arguments: str | Path) -> str:
    """What a command says that is wrong usage."""
    error = invoke(*arguments).exception
    assert isinstance(error, InputError), error
    assert error.exit_code == 2
    return str(error)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://ann:s3cret@host/db", "not 'mysql://***@host/db'; left out, it is an SQLite"),
        ("sqlite:///studies.db", "postgresql://HOST/DATABASE, not 'sqlite:///studies.db'"),
        ("studies", "not 'studies'"),
        ("", "not ''"),
        ("postgresql://ann:s3/cret@host/db", "percent-encode it"),
        (DOWN, "the storage postgresql://***@127.0.0.1:9/studies cannot be used: connection"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_before_anything(
    address: str, words: str, study: Path, tmp_path: Path
) -> None:
    said = refused("run", study, "--storage", address)
    assert words in said
    assert "cret" not in said
    assert "\n" not in said
    assert not (tmp_path / "mlruns").exists()


def test_without_the_driver_the_extra_is_named(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfexp.search.place.importlib.util.find_spec", lambda _: None)
    assert "pip install 'cfexp[postgres]'" in refused("run", study, "--storage", DOWN)


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize(
    "command",
    [
        ("worker", "x"),
        ("status",),
        ("list",),
        ("report", "x"),
        ("sync", "x"),
        ("compare", "x"),
        ("export", "x"),
        ("audit", "x"),
        ("delete", "x", "--yes", "--no-track"),
        ("register", "x", "model"),
        ("recommend", "x", "1"),
        ("similar", "x", "1"),
        ("explain", "x", "1", "2"),
    ],
    ids=lambda command: command[0],
)
def test_every_command_on_stored_studies_takes_a_storage(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFEXP_STORAGE", DOWN)
    assert "the storage postgresql://***@127.0.0.1:9/studies cannot be used" in refused(*command)


def test_a_wrong_password_and_a_missing_database_are_said_in_one_line(
    databases: str, study: Path
) -> None:
    wrong = databases.replace("of%20the%20database", "s3cret")
    done = call("run", study, "--storage", f"{wrong}/postgres", cwd=study.parent)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert 'password authentication failed for user "ann"' in line
    assert "s3cret" not in done.stderr + done.stdout
    assert 'database "missing" does not exist' in refused(
        "list", "--storage", f"{databases}/missing"
    )


def test_a_study_is_known_wherever_its_storage_is(databases: str, study: Path) -> None:
    storage = new_database(databases)
    empty = invoke("list", "--storage", storage)
    assert "no studies in postgresql+psycopg://***@127.0.0.1" in empty.output
    run = ("run", study, "--no-track", "--trials", "2", "--storage", storage)
    done = invoke(*run, "--home", "here")
    assert done.exit_code == 0, done.output
    assert not Path("here/optuna.db").exists()
    there = ("--storage", storage, "--home", "elsewhere")

    def said(*command: str) -> Any:  # noqa: ANN401
        answer = invoke(*command, *there)
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    assert [(row["study"], row["state"]) for row in said("status", "--json")] == [
        ("small", "finished")
    ]
    (row,) = said("list", "--format", "json")
    assert (row["trials"], row["budget"]) == (2, 2)
    assert "in the home of the machine that ran it" in refused("recommend", "small", "1", *there)
    error = invoke("report", "smal", *there).exception
    assert isinstance(error, StudyConflictError)
    assert "did you mean 'small'?" in str(error)
    page = invoke("report", "small", *there)
    assert page.exit_code == 0, page.output
