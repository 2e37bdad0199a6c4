from __future__ import annotations

from pathlib import Path

import pytest

from cfexp.data.files.csv_file import Csv
from cfexp.data.files.parquet_file import Parquet
from cfexp.data.files.places import Places, data_dir
from cfexp.data.public.movielens import MovieLens
from cfexp.errors import DataError

COLUMNS = {"user": 1, "item": 2}


@pytest.mark.parametrize("source", [Csv, Parquet])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("~nobody-here/x", "no home folder to put in place of '~nobody-here'"),
        ("x" * 5_000, "(File name too long)"),
        ("x/" * 3_000, "(File name too long)"),
        (".", "(a folder)"),
        ("/dev/null", "no file '/dev/null'"),
        ("rows/more", "no file 'rows/more'"),
    ],
)
def test_paths_to_no_file(
    tmp_path: Path, source: type[Csv | Parquet], path: str, reason: str
) -> None:
    (tmp_path / "rows").write_text("1,2\n")
    with pytest.raises(DataError) as caught:
        source.model_validate({"path": path, "columns": COLUMNS}).load(Places(tmp_path, tmp_path))
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 1_500


@pytest.mark.parametrize("source", [Csv, Parquet])
def test_files_that_cannot_be_read(tmp_path: Path, source: type[Csv | Parquet]) -> None:
    path = "/proc/self/mem"
    if not Path(path).is_file():
        pytest.skip("this system has no /proc/self/mem")
    with pytest.raises(DataError, match="read"):
        source.model_validate({"path": path, "columns": COLUMNS}).load(Places(tmp_path, tmp_path))


def test_data_dir_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CFEXP_DATA_DIR", "~nobody-here/x")
    with pytest.raises(DataError, match="no home folder"):
        data_dir()
    with pytest.raises(DataError, match="File name too long"):
        MovieLens(edition="ml-1m").load(Places(tmp_path, tmp_path / ("x" * 5_000)))
