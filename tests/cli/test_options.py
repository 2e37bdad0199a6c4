"""Options that are more than their text."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from helpers import invoke
from typer.testing import CliRunner

from cfexp.cli.main import app
from cfexp.cli.options import duration


@pytest.mark.parametrize("words", ["", "0", "0m", "soon", "1.2.3", "-5", "10x", "1s1h", "."])
def test_a_duration_is_above_zero_and_has_units_that_are_known(words: str) -> None:
    with pytest.raises(
        typer.BadParameter, match="no time above 0: write 90, 90s, 10m, 2h or 1h30m"
    ):
        duration(words)


def test_a_wrong_duration_is_wrong_usage() -> None:
    done = invoke("run", "none.toml", "--timeout", "soon")
    assert done.exit_code == 2
    assert "'soon' is no time" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "x.toml", "--workers", "0"), "got '0'"),
        (("run", "x.toml", "--trials", "many"), "got 'many'"),
        (("bench", "als", "--alpha", "high"), "got 'high'"),
        (("list", "--format", "xml"), "'xml' is not one of 'table', 'csv', 'json'"),
        (("rum",), "did you mean 'run'?"),
        (("data", "fetch"), "Missing argument"),
        (("fly",), "choose from run, worker, "),
        (("reproduce", "ml2"), "'ml2'; choose from ml1m"),
    ],
)
def test_wrong_usage_names_the_value_and_the_choices(
    arguments: tuple[str, ...], words: str
) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2
    said = " ".join(done.output.replace("│", " ").split())
    assert words in said
    assert said.count("got") <= 1


def test_a_shell_completes_studies_of_the_home(tmp_path: Path) -> None:
    for name in ("plays", "plays-2", "views", ".plays.deleted"):
        (tmp_path / "studies" / name).mkdir(parents=True)
    typed = {"COMP_WORDS": f"cfexp report --home {tmp_path} pl", "COMP_CWORD": "4"}
    environment = {"_CFEXP_COMPLETE": "complete_bash", **typed}
    done = CliRunner().invoke(app, [], prog_name="cfexp", env=environment)
    assert done.stdout.split() == ["plays", "plays-2"]
