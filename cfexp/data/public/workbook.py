"""Online Retail's workbook as Parquet: read from its XML, which a spreadsheet file is made of.

An .xlsx file is a zip of XML (ISO/IEC 29500). Cells hold numbers, or places in a list of
texts; a date is a number of days since 1899-12-30; an empty cell is left out.
"""

from __future__ import annotations

import zipfile
from typing import IO, TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np

from cfexp.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_COLUMNS = {
    "InvoiceNo": "text",
    "StockCode": "text",
    "Description": "text",
    "Quantity": "whole",
    "InvoiceDate": "date",
    "UnitPrice": "number",
    "CustomerID": "number",
    "Country": "text",
}
_EPOCH = np.datetime64("1899-12-30", "s")
_DAY = 86_400

Row = dict[str, "str | float"]
"""A row's cells that are not empty, by the letters of their columns."""


def to_parquet(book: Path, target: Path) -> None:
    """Write the first sheet, whose header must be Online Retail's, as a Parquet file.

    Raises
    ------
    DownloadError
        When the file is no such workbook.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with zipfile.ZipFile(book) as opened:
            with opened.open("xl/sharedStrings.xml") as stream:
                texts = list(_texts(stream))
            with opened.open("xl/worksheets/sheet1.xml") as stream:
                rows = _rows(stream, texts)
                head = {letters: str(name) for letters, name in next(rows, {}).items()}
                if list(head.values()) != list(_COLUMNS):
                    raise DownloadError(
                        f"{book.name}: the columns must be {', '.join(_COLUMNS)}; "
                        f"they are {', '.join(head.values()) or 'none'}"
                    )
                cells: dict[str, list[str | float | None]] = {name: [] for name in _COLUMNS}
                for row in rows:
                    for letters, name in head.items():
                        cells[name].append(row.get(letters))
        table = pa.table({name: _array(cells.pop(name), _COLUMNS[name]) for name in _COLUMNS})
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, ET.ParseError) as error:
        raise DownloadError(f"{book.name}: not a workbook that can be read: {error}") from error
    pq.write_table(table, target)


def _texts(stream: IO[bytes]) -> Iterator[str]:
    for element in _elements(stream, "si"):
        yield "".join(part.text or "" for part in element.iter(f"{_NAME}t"))


def _rows(stream: IO[bytes], texts: list[str]) -> Iterator[Row]:
    for element in _elements(stream, "row"):
        row: Row = {}
        for cell in element:
            value = cell.findtext(f"{_NAME}v")
            if value is not None:
                letters = cell.get("r", "").rstrip("0123456789")
                row[letters] = texts[int(value)] if cell.get("t") == "s" else float(value)
        yield row


def _elements(stream: IO[bytes], name: str) -> Iterator[ET.Element]:
    """Yield every element of a name, and forget each when the next is asked for."""
    root: ET.Element | None = None
    # The file's checksum is the publisher's, and expat limits what entities expand to.
    for event, element in ET.iterparse(stream, events=("start", "end")):  # noqa: S314
        root = element if root is None else root
        if event == "end" and element.tag == _NAME + name:
            yield element
            root.clear()
            element.clear()


def _array(cells: list[str | float | None], kind: str) -> object:
    import pyarrow as pa

    if kind == "text":  # a code may be a number in one row and text in the next
        return pa.array([f"{one:.0f}" if isinstance(one, float) else one for one in cells])
    numbers = np.array([np.nan if one is None else float(one) for one in cells])
    if kind == "date":
        seconds = np.round(numbers * _DAY).astype("timedelta64[s]")
        return pa.array(_EPOCH + seconds)
    return pa.array(numbers.astype(np.int64) if kind == "whole" else numbers, from_pandas=True)
