"""What is shipped: the whole package in the wheel, and what its tests need in the sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

if TYPE_CHECKING:
    from hatchling.builders.plugin.interface import BuilderInterface

ROOT = Path(__file__).parents[1]


def shipped(builder: type[BuilderInterface]) -> set[str]:
    return {file.distribution_path for file in builder(str(ROOT)).recurse_included_files()}


def below(folder: str) -> set[str]:
    files = (file for file in (ROOT / folder).rglob("*") if file.is_file())
    return {str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts}


def test_the_wheel_is_the_package() -> None:
    files = shipped(WheelBuilder)
    assert files == below("cfexp")
    assert "cfexp/data/public/catalogue.toml" in files


def test_the_sources_have_what_tests_and_documentation_need() -> None:
    files = shipped(SdistBuilder)
    folders = (".ci", "cfexp", "docs", "studies", "tests")
    assert files > {file for folder in folders for file in below(folder)}
    single = {file for file in files if file.split("/")[0] not in folders}
    assert single - {".gitignore"} == {"CHANGELOG.md", "LICENSE", "README.md"}  # and pyproject.toml
