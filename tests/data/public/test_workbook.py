"""Online Retail as UCI publishes it: a workbook."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from cfexp.data.public.catalogue import catalogue
from cfexp.data.public.check import check
from cfexp.data.public.checksums import measure
from cfexp.data.public.fetch import fetch
from cfexp.data.public.shelf import Shelf
from cfexp.data.public.workbook import to_parquet
from cfexp.errors import DownloadError

HEAD = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
ROWS: list[list[str | float | None]] = [
    [536365.0, "85123A", "WHITE <HANGING> & HEART", 6.0, 40513.351388888892, 2.55, 17850.0, "EIRE"],
    ["C536379", 22632.0, None, -1.0, 40513.395833333336, 27.5, None, "EIRE"],
]
PARTS = ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"]
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def book(file: Path, head: list[str] = HEAD) -> Path:
    """Write a workbook as spreadsheet programs do: shared texts, empty cells left out."""
    texts: dict[str, int] = {}
    rows = []
    for number, cells in enumerate([head, *ROWS], 1):
        row = ""
        for letter, cell in zip("ABCDEFGH", cells, strict=False):
            if isinstance(cell, str):
                place = texts.setdefault(cell, len(texts))
                row += f'<c r="{letter}{number}" t="s"><v>{place}</v></c>'
            elif cell is not None:
                row += f'<c r="{letter}{number}" s="1"><v>{cell!r}</v></c>'
        rows.append(f'<row r="{number}">{row}</row>')
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("xl/sharedStrings.xml", f"<sst {SPACE}>{shared}</sst>")
        sheet = f"<worksheet {SPACE}><sheetData>{''.join(rows)}</sheetData></worksheet>"
        out.writestr("xl/worksheets/sheet1.xml", sheet)
    return file


def test_a_workbook_becomes_the_columns_that_are_read(tmp_path: Path) -> None:
    to_parquet(book(tmp_path / "Online Retail.xlsx"), tmp_path / "x.parquet")
    first, second = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert first["InvoiceDate"].isoformat() == "2010-12-01T08:26:00"
    assert second["InvoiceDate"].isoformat() == "2010-12-01T09:30:00"
    del first["InvoiceDate"], second["InvoiceDate"]
    assert list(first.values()) == [
        *("536365", "85123A", "WHITE <HANGING> & HEART", 6, 2.55, 17850.0, "EIRE"),
    ]
    assert list(second.values()) == ["C536379", "22632", None, -1, 27.5, None, "EIRE"]


def test_other_columns(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"the columns must be InvoiceNo.*they are A, B"):
        to_parquet(book(tmp_path / "a.xlsx", ["A", "B"]), tmp_path / "x.parquet")


@pytest.mark.parametrize("name", PARTS)
def test_damaged(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as out:
        for part in PARTS:
            out.writestr(part, "<sst" if part == name else f"<sst {SPACE}></sst>")
    with pytest.raises(DownloadError, match="not a workbook that can be read"):
        to_parquet(tmp_path / "a.xlsx", tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


def test_a_workbook_that_lies_there_is_converted(tmp_path: Path) -> None:
    dataset = catalogue()["online-retail"]
    (tmp_path / "online-retail").mkdir()
    published = book(tmp_path / "online-retail" / "Online Retail.xlsx")
    said: list[str] = []
    (download,) = dataset.downloads
    (file,) = download.files
    with pytest.raises(DownloadError, match=r"Online Retail\.xlsx: not the file that was"):
        fetch(Shelf(dataset, tmp_path), lambda *_: None, said.append)
    changes = {"checksum": measure(published).checksums["sha256"], "rows": 2}
    files = (file.model_copy(update=changes),)
    downloads = (download.model_copy(update={"files": files}),)
    shelf = Shelf(dataset.model_copy(update={"downloads": downloads}), tmp_path)
    held = FileLock(shelf.work / "lock")
    held.acquire()

    def say(line: str) -> None:
        said.append(line)
        if "another process" in line:
            held.release()

    fetch(shelf, lambda *_: None, say)
    assert "another process" in said[0], "one process at a time"
    assert "is converted to online_retail.parquet" in said[1]
    assert shelf.state == "present"
    assert [(one.verdict, one.rows) for one in check(shelf)] == [("as first downloaded", 2)]
