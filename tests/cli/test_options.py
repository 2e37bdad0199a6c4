"""Options that are more than their text."""

from __future__ import annotations

import pytest
import typer
from helpers import invoke

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
