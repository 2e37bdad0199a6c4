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

    import pyarrow as pa

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
_BLOCK = 8 << 20
_OPEN, _CLOSE = b"<sheetData>", b"</sheetData></worksheet>"

Row = dict[str, "str | float"]
"""A row's cells that are not empty, by the letters of their columns."""


def to_parquet(book: Path, target: Path) -> None:
    """Write the first sheet, whose header must be Online Retail's, as a Parquet file.

    Raises
    ------
    DownloadError
        When the file is no such workbook.
    """
    import pyarrow.parquet as pq

    try:
        with zipfile.ZipFile(book) as opened:
            with opened.open("xl/sharedStrings.xml") as stream:
                texts = _texts(stream)
            with opened.open("xl/worksheets/sheet1.xml") as stream:
                table = _table(book.name, _rows(stream, texts))
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, ET.ParseError) as error:
        raise DownloadError(f"{book.name}: not a workbook that can be read: {error}") from error
    pq.write_table(table, target)


def _texts(stream: IO[bytes]) -> list[str]:
    root = ET.parse(stream).getroot()  # noqa: S314 - see _sheets
    return ["".join(part.text or "" for part in one.iter(f"{_NAME}t")) for one in root]


def _rows(stream: IO[bytes], texts: list[str]) -> Iterator[list[Row]]:
    """Yield the sheet's rows, some thousands at a time."""
    value_of = f"{_NAME}v"
    for sheet in _sheets(stream):
        rows = []
        for element in sheet.iter(f"{_NAME}row"):
            row: Row = {}
            for cell in element:
                for value in cell:
                    if value.tag == value_of and value.text:
                        shared = cell.get("t") == "s"
                        letters = cell.attrib["r"].rstrip("0123456789")
                        row[letters] = texts[int(value.text)] if shared else float(value.text)
            rows.append(row)
        yield rows


def _sheets(stream: IO[bytes]) -> Iterator[ET.Element]:
    """Yield the sheet in pieces that each are a sheet of some rows: parsed whole, they are quick.

    The file's checksum is the publisher's, and expat limits what entities expand to.
    """
    head, rest = b"", b""
    while block := stream.read(_BLOCK):
        rest += block
        if not head:
            before, mark, rest = rest.partition(_OPEN)
            if not mark:
                raise ValueError("the sheet has no rows")
            head = before + mark
        rows, mark, rest = rest.rpartition(b"</row>")
        yield ET.fromstring(head + rows + mark + _CLOSE)  # noqa: S314


def _table(name: str, pieces: Iterator[list[Row]]) -> pa.Table:
    import pyarrow as pa

    head: dict[str, str] = {}
    tables = []
    for rows in pieces:
        if not head:
            head = {letters: str(name) for letters, name in rows.pop(0).items()} if rows else {}
            if list(head.values()) != list(_COLUMNS):
                raise DownloadError(
                    f"{name}: the columns must be {', '.join(_COLUMNS)}; "
                    f"they are {', '.join(head.values()) or 'none'}"
                )
        cells = {name: [row.get(letters) for row in rows] for letters, name in head.items()}
        tables.append(
            pa.table({name: _array(cells[name], kind) for name, kind in _COLUMNS.items()})
        )
    return pa.concat_tables(tables)


def _array(cells: list[str | float | None], kind: str) -> pa.Array:
    import pyarrow as pa

    if kind == "text":  # a code may be a number in one row and text in the next
        texts = [f"{one:.0f}" if isinstance(one, float) else one for one in cells]
        return pa.array(texts, pa.string())
    numbers = np.array([np.nan if one is None else float(one) for one in cells])
    if kind == "date":
        seconds = np.round(numbers * _DAY).astype("timedelta64[s]")
        return pa.array(_EPOCH + seconds)
    return pa.array(numbers.astype(np.int64) if kind == "whole" else numbers, from_pandas=True)
