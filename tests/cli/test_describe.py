"""`cfexp data describe`: table, JSON, page, and what is said when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import invoke

from cfexp.errors import InputError
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import load_study


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = [
        f"{u};<i>{i};{rng.integers(1, 6)};{1_700_000_000 + 1000 * t}"
        for u in range(40)
        for t, i in enumerate(rng.permutation(30)[:12])
    ]
    file = tmp_path / "log of plays.csv"
    file.write_text("\n".join(["who;what;stars;at", *lines]))
    return file


OPTIONS = ("--user", "who", "--item", "what", "--value", "stars", "--time", "at")


def test_a_file_as_table_json_and_page(log: Path, tmp_path: Path) -> None:
    options = [*OPTIONS, "--separator", ";"]
    page = tmp_path / "page.html"
    shown = invoke("data", "describe", str(log), *options, "-o", str(page))
    assert "different pairs" in shown.output
    assert "480" in shown.output
    text = page.read_text()
    assert text.count('class="plot"') == 3
    found = json.loads(invoke("data", "describe", str(log), *options, "--json").output)
    assert (found["rows"], found["users"], found["items"]) == (480, 40, 30)
    study = tmp_path / "study.toml"
    study.write_text(found["study"])
    spec = load_study(study)
    assert spec.name == "log-of-plays"
    assert len(prepare(spec).rows) == 480
    again = json.loads(invoke("data", "describe", str(study), "--json").output)
    assert again == found
    study.write_text(found["study"] + '\n[[clean]]\nkind = "values"\nat_least = 3\n')
    cleaned = json.loads(invoke("data", "describe", str(study), "--json").output)
    assert cleaned["rows"] < 480
    study.write_text(cleaned["study"])
    assert len(load_study(study).clean) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ml-1"], "neither a file nor a data set"),
        (["{log}"], "--user and --item are missing"),
        (["{log}", "--user", "who", "--item", "no"], "no"),
        (["ml-1m", "--user", "who"], "ml-1m says how it is read; --user is for a file of rows"),
        (["{log}", *OPTIONS, "--separator", ""], "separator"),
        (["{log}", *OPTIONS, "--separator", ";", "-o", "/nowhere/page.html"], "cannot be written"),
    ],
)
def test_mistakes_are_said(arguments: list[str], words: str, log: Path) -> None:
    done = invoke("data", "describe", *(one.format(log=log) for one in arguments))
    assert isinstance(done.exception, InputError)  # of which `main` makes exit code 2
    assert words in str(done.exception)


def test_negative_values_of_a_file_are_left_out_by_a_rule_that_the_study_has(
    log: Path, tmp_path: Path
) -> None:
    log.write_text(log.read_text() + "\n0;<i>0;-1;1700000000\n;<i>0;1;1700000000")
    separated = ("--separator", ";")
    found = json.loads(invoke("data", "describe", str(log), *OPTIONS, *separated, "--json").output)
    assert found["rows"] == 480
    assert found["dropped"] == {"user missing": 1, "value not at least 0": 1}
    assert any("negative values are left out" in one for one in found["suggestion"]["warnings"])
    study = tmp_path / "study.toml"
    study.write_text(found["study"])
    (rule,) = load_study(study).clean
    assert (rule.kind, rule.settles_negatives) == ("values", True)


def test_what_reading_noted_is_said(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("u,i,t\nAnn,1,978300760000\nann,1,978300761000\n")
    options = ("--user", "u", "--item", "i", "--time", "t", "--json")
    found = json.loads(invoke("data", "describe", str(tmp_path / "log.csv"), *options).output)
    alike, unit = found["suggestion"]["warnings"][:2]
    assert "2 users have ids that differ only in case or spaces around them" in alike
    assert "times are read as milliseconds since 1970" in unit
