"""JSON lines, compressed files, patterns of many files, records inside of Parquet."""

from __future__ import annotations

import bz2
import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter, ValidationError

from cfexp import memory
from cfexp.data.files import compression
from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.data.sources import AnySource
from cfexp.errors import DataError

NAMED = {"user": "u", "item": "i", "value": "v", "time": "t"}
ROWS = [("a", 5, 1.0, 978300760), ("b", 6, 2.5, 978300761), ("a", 6, 3.0, 978300762)]
LONG = "u,i,pad\n" + "".join(f"1,2,{'x' * 1_000}\n" for _ in range(2_000))
TEXT = "u,i,v,t\n" + "".join(f"{u},{i},{v},{t}\n" for u, i, v, t in ROWS)


def load(folder: Path, **fields: object) -> Interactions:
    recipe = {"kind": "csv", "path": "rows", "columns": NAMED} | fields
    source = TypeAdapter(AnySource).validate_python(recipe)
    loaded: Interactions = source.load(Places(folder, folder / "cache"))
    return loaded


def refused(folder: Path, **fields: object) -> str:
    with pytest.raises(DataError) as caught:
        load(folder, **fields)
    return str(caught.value)


def compressed(codec: str, data: bytes) -> bytes:
    return {
        "gzip": gzip.compress,
        "bz2": bz2.compress,
        "zstd": lambda raw: pa.compress(raw, codec="zstd", asbytes=True),
        "gzip, two members": lambda raw: gzip.compress(raw[:20]) + gzip.compress(raw[20:]),
        "none": bytes,
    }[codec](data)


@pytest.mark.parametrize("codec", ["gzip", "bz2", "zstd", "gzip, two members"])
@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8"), ("::", "latin-1")])
def test_compressed_text(tmp_path: Path, codec: str, separator: str, encoding: str) -> None:
    written = TEXT.replace(",", separator).replace("b", "é")
    fields = {"separator": separator, "encoding": encoding}
    (tmp_path / "rows").write_bytes(written.encode(encoding))
    plain = load(tmp_path, **fields)
    (tmp_path / "rows").write_bytes(compressed(codec, written.encode(encoding)))
    rows = load(tmp_path, **fields)
    assert rows.fingerprint == plain.fingerprint
    assert rows.users.ids.tolist() == ["a", "é"]
    bad = written.replace("3.0", "-3").encode(encoding)
    (tmp_path / "rows").write_bytes(compressed(codec, bad))
    assert f"line 4: a{separator}6{separator}-3" in refused(tmp_path, **fields)


def test_files_that_are_rewritten_are_held_one_at_a_time(tmp_path: Path) -> None:
    text = LONG.replace(",", "::")
    peaks = []
    for count in (1, 1, 6):  # the first imports what it needs
        for number in range(count):
            (tmp_path / f"{number}.csv").write_text(text)
        tracemalloc.start()
        load(tmp_path, path="*.csv", separator="::", columns={"user": "u", "item": "i"})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 3 * len(text)


def test_a_file_that_is_rewritten_needs_the_memory_that_it_expands_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows").write_bytes(gzip.compress(LONG.replace(",", "::").encode()))
    monkeypatch.setattr(memory, "available", lambda: len(LONG))
    message = refused(tmp_path, separator="::", columns={"user": "u", "item": "i"})
    assert "rows, which is rewritten before it is cut, takes about" in message


def test_ascii_is_nothing_but_ascii(tmp_path: Path) -> None:
    fields = {"encoding": "ascii", "columns": {"user": "u", "item": "i"}}
    (tmp_path / "rows").write_text("u,i\nJose,2\n")
    assert load(tmp_path, **fields).users.ids.tolist() == ["Jose"]
    (tmp_path / "rows").write_text("u,i\nJos\u00e9,2\n")
    message = refused(tmp_path, **fields)
    assert "line 2 is not ascii text" in message
    assert "did you mean encoding = 'utf-8'?" in message


def test_quotes_in_compressed_text(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(gzip.compress(b'u,i\n1,"a\nb"\n2,c\n'))
    rows = load(tmp_path, columns={"user": "u", "item": "i"})
    assert rows.items.ids.tolist() == ["a\nb", "c"]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_damaged_and_foreign_archives(tmp_path: Path, codec: str) -> None:
    whole = compressed(codec, TEXT.encode() * 200)
    (tmp_path / "rows").write_bytes(whole[: len(whole) // 2])
    assert str(tmp_path / "rows") in refused(tmp_path)
    (tmp_path / "rows").write_bytes(b"PK\x03\x04 and so on")
    assert "this is a ZIP archive; unpack it" in refused(tmp_path)


@pytest.mark.parametrize("fields", [{}, {"separator": "::"}, {"kind": "jsonl"}])
@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_bomb_is_not_expanded(
    tmp_path: Path, codec: str, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "_FREE", 1 << 20)
    line = b'{"u":1,"i":1,"v":1,"t":1}\n' if fields.get("kind") else TEXT.encode()
    (tmp_path / "rows").write_bytes(compressed(codec, line * 100_000))
    assert "expands to more than" in refused(tmp_path, **fields)


def test_a_pattern_names_many_files_in_their_order(tmp_path: Path) -> None:
    lines = TEXT.splitlines()
    for place, name in enumerate(["b.csv", "a.csv.gz", "deep/c.csv"]):
        text = "\n".join([lines[0], lines[1 + place], ""]).encode()
        (tmp_path / "logs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "logs" / name).write_bytes(gzip.compress(text) if "gz" in name else text)
    rows = load(tmp_path, path="logs/*.csv*")
    assert rows.value.tolist() == [2.5, 1]
    assert load(tmp_path, path="logs/**/*.csv*").value.tolist() == [2.5, 1, 3]
    assert load(tmp_path, path=str(tmp_path / "logs/[b].csv")).value.tolist() == [1]
    message = refused(tmp_path, path="logs/*.tsv")
    assert "no file matches 'logs/*.tsv'; looked for it as" in message
    assert str(tmp_path / "cache/logs/*.tsv") in message
    (tmp_path / "logs/a.csv.gz").write_bytes(gzip.compress(b"u,item,v,t\n1,1,1,1\n"))
    message = refused(tmp_path, path="logs/*.csv*")
    assert "a.csv.gz: no column 'i' for the item; the columns are 'u', 'item'" in message
    (tmp_path / "logs/a.csv.gz").write_bytes(gzip.compress(b"u,i,v,t\n1,1,1,1\n1,1,-1,1\n"))
    message = refused(tmp_path, path="logs/*.csv*")
    assert "a.csv.gz and 1 more file: values must be" in message
    assert "  a.csv.gz: line 3: 1,1,-1,1" in message


def test_a_file_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "rows[1].csv").write_text(TEXT)
    assert len(load(tmp_path, path="rows[1].csv")) == 3


def json_lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
def test_json_lines(tmp_path: Path, codec: str) -> None:
    found = [
        {"who": {"id": u, "name": "?"}, "i": i, "v": v, "t": t, "tags": [1]} for u, i, v, t in ROWS
    ]
    data = json_lines(found[0]) + b"\n" + json_lines(*found[1:], {"i": 5}, {"who": None, "i": 1})
    (tmp_path / "rows").write_bytes(compressed(codec, data))
    rows = load(tmp_path, kind="jsonl", columns=NAMED | {"user": "who.id"})
    assert rows.users.ids.tolist() == ["a", "b"]
    assert rows.items.ids.tolist() == [5, 6]
    assert rows.value.tolist() == [1, 2.5, 3]
    assert rows.dropped == {"user missing": 2}
    (tmp_path / "rows").write_text(TEXT)
    assert load(tmp_path).fingerprint == rows.fingerprint


def test_ids_of_json_keep_how_they_are_written(tmp_path: Path) -> None:
    data = json_lines(*({"u": day, "i": "007"} for day in ("2024-01-01", "2024-01-02 10:00:00")))
    (tmp_path / "rows").write_bytes(data)
    rows = load(tmp_path, kind="jsonl", columns={"user": "u", "item": "i", "time": "u"})
    assert rows.users.ids.tolist() == ["2024-01-01", "2024-01-02 10:00:00"]
    assert rows.items.ids.tolist() == ["007"]


def test_types_that_come_late(tmp_path: Path) -> None:
    early = {"u": 1, "i": 1, "v": 1}
    data = json_lines(*([early] * 120_000), {"u": 1, "i": 1, "v": 1.5, "t": 7})
    (tmp_path / "rows").write_bytes(data)
    rows = load(tmp_path, kind="jsonl", columns={"user": "u", "item": "i", "value": "v"})
    assert rows.value[-2:].tolist() == [1, 1.5]


def test_ids_in_records_are_kept_as_they_are_written(tmp_path: Path) -> None:
    ids = ["2024-05-01", "2024-05-01 00:00:00", "2024-05-01T00:00"]
    data = json_lines(*({"u": {"id": one, "at": one}, "i": {"x": {"id": one}}} for one in ids))
    (tmp_path / "rows").write_bytes(data)
    columns = {"user": "u.id", "item": "i.x.id", "time": "u.at"}
    rows = load(tmp_path, kind="jsonl", columns=columns)
    assert rows.users.ids.tolist() == ids
    assert rows.items.ids.tolist() == ids
    assert rows.time is not None
    assert len(set(rows.time.tolist())) == 1


def test_fields_of_records_whose_types_change_late(tmp_path: Path) -> None:
    pad = "y" * 1_000
    early = {"u": {"id": "2009-05-01", "x": 1}, "i": 1, "s": {"v": 1, "x": 1}, "pad": pad}
    late = {"u": {"id": "2009-05-02", "x": "a"}, "i": 1, "s": {"v": 1.5, "x": "a"}}
    (tmp_path / "rows").write_bytes(json_lines(*([early] * 2_000), late))
    columns = {"user": "u.id", "item": "i", "value": "s.v"}
    rows = load(tmp_path, kind="jsonl", columns=columns)
    assert rows.value[-2:].tolist() == [1, 1.5]
    assert rows.users.ids.tolist() == ["2009-05-01", "2009-05-02"]


def test_ids_and_fields_of_files_whose_lines_change_late(tmp_path: Path) -> None:
    early = {"u": "a", "i": "2009-05-01", "v": 1, "x": "y" * 1_000}
    data = json_lines(*([early] * 6_000), {"u": "b", "i": "2009-05-02", "v": 2.5, "title": "T"})
    (tmp_path / "rows").write_bytes(data)
    fields = {"user": "u", "item": "i", "value": "v", "title": "title"}
    rows = load(tmp_path, kind="jsonl", columns=fields)
    assert rows.items.ids.tolist() == ["2009-05-01", "2009-05-02"]
    assert rows.value[-1] == 2.5
    assert rows.titles is not None
    assert rows.titles.tolist() == ["", "T"]
    message = refused(tmp_path, kind="jsonl", columns=fields | {"title": "titel"})
    assert "did you mean 'title'?" in message


def test_numbers_that_are_dates(tmp_path: Path) -> None:
    dates = [20240501, 20240502, 20231231]
    text = "u,i,v,t\n" + "".join(f"{n},{n},1,{t}\n" for n, t in enumerate(dates))
    (tmp_path / "rows").write_text(text)
    message = refused(tmp_path)
    assert "most are numbers such as 20240501; write time_format = '%Y%m%d'" in message
    assert "line 2: 0,0,1,20240501" in message
    time = load(tmp_path, time_format="%Y%m%d").time
    assert time is not None
    assert time.astype("datetime64[us]").astype("datetime64[D]").astype(str).tolist() == [
        "2024-05-01",
        "2024-05-02",
        "2023-12-31",
    ]
    seconds = load(tmp_path, time_format="unix").time
    assert seconds is not None
    assert seconds.tolist() == [one * 1_000_000 for one in dates]


@pytest.mark.parametrize(
    ("written", "pattern", "read"),
    [
        ("2023 2025", "%Y", "2023-01-01T00:00:00"),
        ("202312 202401", "%Y%m", "2023-12-01T00:00:00"),
        ("20231231 20240101 0", "%Y%m%d", None),
        ("2023123123 2024010100", "%Y%m%d%H", "2023-12-31T23:00:00"),
        ("202312312359 202401010000", "%Y%m%d%H%M", "2023-12-31T23:59:00"),
        ("20231231235958 20240101000000", "%Y%m%d%H%M%S", "2023-12-31T23:59:58"),
    ],
)
def test_dates_of_any_number_of_digits(
    tmp_path: Path, written: str, pattern: str, read: str | None
) -> None:
    times = written.split()
    text = "u,i,v,t\n" + "".join(f"{n},{n},1,{t}\n" for n, t in enumerate(times))
    (tmp_path / "rows").write_text(text)
    message = refused(tmp_path)
    example = "20240501120000"[: len(times[0])]
    assert f"most are numbers such as {example}; write time_format = '{pattern}'" in message
    if read is not None:
        time = load(tmp_path, time_format=pattern).time
        assert time is not None
        assert str(time.astype("datetime64[us]").astype("datetime64[s]")[0]) == read


@pytest.mark.parametrize(
    "times",
    [
        [978300760, 1_612_000_000, 1_699_999_999],  # seconds
        [1_912_312_359, 1_999_999_999, 2_012_312_424],  # seconds of the years 2030 to 2033
        [2023, 2024, 3000],  # steps
        [202312, 202313],
        [1_612_000_000_000, 1_699_999_999_999],  # milliseconds
    ],
)
def test_numbers_that_are_no_dates(tmp_path: Path, times: list[int]) -> None:
    text = "u,i,v,t\n" + "".join(f"{n},{n},1,{t}\n" for n, t in enumerate(times))
    (tmp_path / "rows").write_text(text)
    factor = 1_000 if times[0] > 10**12 else 1_000_000
    time = load(tmp_path).time
    assert time is not None
    assert time.tolist() == [one * factor for one in times]


def test_a_number_among_dates_is_no_year(tmp_path: Path) -> None:
    times = ["2024-05-01", "2024-05-02", "2024-05-03", "1612"]
    text = "u,i,v,t\n" + "".join(f"{n},{n},1,{t}\n" for n, t in enumerate(times))
    (tmp_path / "rows").write_text(text)
    message = refused(tmp_path)
    assert "1 are numbers, 3 are ISO dates; a column has one way of writing" in message
    assert "line 5: 3,3,1,1612" in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b'{"u": 1, "i": 2}\n{"u": 1, "i": }\n', "line 2 is not (Expecting value"),
        (b'{"u": 1, "i": 2}\n\n{"u": 1, "i": 3}{"u": 1, "i": 4}\n', "line 3 is not (Extra data"),
        (b'{"u": 1, "i": 2}\n[1, 2]\n', "line 2 is not (it is no object)"),
        (b'{"u": 1, "i": 2}\n{"u": "x", "i": 2}\n', "every field must hold one type on all lines"),
        (b'{"u": 1, "i": 2, "v": -1}\n', 'line 1: {"u": 1, "i": 2, "v": -1}'),
        (b'{"u": 1, "j": 2}\n', "no column 'i' for the item; the columns are 'u', 'j'"),
        (b'{"u": {"id": 1}, "i": 2}\n', "name a field of its records with a dot: 'id'"),
        (b'{"u": [1], "i": 2}\n', "the column of the user holds list<item: int64>"),
        (b'{"u": 1, "i": "' + b"x" * 9_000_000 + b'"}\n' + b"{}\n" * 9, "line 1 is longer than"),
        (b'{"u": 1, "i": "\xe9"}\n', "line 1"),
        (b"[" * 100_000 + b"\n", "line 1 is not"),
    ],
)
def test_bad_json(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "rows").write_bytes(data)
    columns = {"user": "u", "item": "i"} | ({"value": "v"} if b'"v"' in data else {})
    message = refused(tmp_path, kind="jsonl", columns=columns)
    assert words in message
    assert len(message) < 1_000


def test_json_has_no_positions(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="fields of JSON are named"):
        load(tmp_path, kind="jsonl", columns={"user": 1, "item": "i"})


def test_records_inside_of_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "event": [{"who": {"id": "a"}, "n": 1}, None, {"who": None, "n": 2}],
            "i": [1, 2, 3],
            "tags": [[1], [2], []],
        }
    )
    pq.write_table(table, tmp_path / "rows")
    rows = load(tmp_path, kind="parquet", columns={"user": "event.who.id", "item": "i"})
    assert rows.users.ids.tolist() == ["a"]
    assert rows.dropped == {"user missing": 2}
    fields = {"kind": "parquet", "columns": {"user": "event", "item": "i"}}
    assert "name a field of its records with a dot: 'who', 'n'" in refused(tmp_path, **fields)
    fields = {"kind": "parquet", "columns": {"user": "i", "item": "tags"}}
    assert "the column of the item holds list<" in refused(tmp_path, **fields)
    fields = {"kind": "parquet", "columns": {"user": "event.who.di", "item": "i"}}
    assert "did you mean 'event.who.id'?" in refused(tmp_path, **fields)
    fields = {"kind": "parquet", "columns": {"user": 4, "item": "i"}}
    assert "no column 4 for the user; rows have 3 columns" in refused(tmp_path, **fields)


def test_ids_that_look_alike_are_noted(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("u,i\nAnn,1\nann ,2\nbob,2\nBOB,1\nann,3\n")
    rows = load(tmp_path, columns={"user": "u", "item": "i"})
    assert len(rows.users) == 5
    words = "5 users have ids that differ only in case or spaces around them, such as 'Ann', 'ann'"
    assert [note.startswith(words) for note in rows.notes] == [True]
    assert load(tmp_path, columns={"user": "i", "item": "i"}).notes == ()
    (tmp_path / "rows").write_text('u,i\n1,2\n1,"3\n4,5\n')
    (note,) = load(tmp_path, columns={"user": "u", "item": "i"}).notes
    words = "ids of items with line breaks: 1, such as '3\\n4,5\\n'; is a quote left open?"
    assert note == words


def test_fields_that_nobody_reads_may_be_of_any_types(tmp_path: Path) -> None:
    data = json_lines({"u": 1, "i": 2, "x": 1}, {"u": 2, "i": 2, "x": {"y": []}}, {"u": 1, "i": 3})
    (tmp_path / "rows").write_bytes(data)
    columns = {"user": "u", "item": "i"}
    assert load(tmp_path, kind="jsonl", columns=columns).items.ids.tolist() == [2, 3]
    (tmp_path / "rows").write_bytes(data + json_lines({"u": "b", "i": 4}))
    message = refused(tmp_path, kind="jsonl", columns=columns)
    assert "hold one type on all lines, such as numbers or text alone; line 4 is not" in message
    assert '\n  {"u": "b", "i": 4}' in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"u": 1, "u": 2, "i": 3}', "line 2 is not (the field 'u' occurs twice)"),
        (b'{"u": "\\ud800", "i": 3}', "line 2 is not ('utf-8' codec can't encode"),
        ('{"u": "é", "i": 3}'.encode("latin-1"), "must be a JSON object in UTF-8; line 2 is not"),
        (b'{"u": 1, "i": 3, "\xed\xa0\x80": 1}', "JSON object in UTF-8; line 2 is not"),
        (b'{"u": {"a": 1}, "i": 3}', "line 2 is not ('u' has another type before)"),
        (b'{"u": 18446744073709551617, "i": 3}', "must be below 2^53, up to which whole numbers"),
    ],
)
def test_a_bad_line_of_json_is_named(tmp_path: Path, line: bytes, words: str) -> None:
    (tmp_path / "rows").write_bytes(b'{"u": 1, "i": 2}\n' + line + b"\n")
    message = refused(tmp_path, kind="jsonl", columns={"user": "u", "item": "i"})
    assert words in message
    assert "line 2" in message


def test_ids_that_would_be_taken_for_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"u,i\na,1\na\0,1\n")
    message = refused(tmp_path, columns={"user": "u", "item": "i"})
    assert "the user must have no NUL characters; 1 of 2 rows break this" in message
    for kind, bits in (("float64", 53), ("float32", 24)):
        ids = pa.array([1.0, 2.0**bits, None], kind)
        pq.write_table(pa.table({"u": [1, 2, 3], "i": ids}), tmp_path / "rows")
        message = refused(tmp_path, kind="parquet", columns={"user": "u", "item": "i"})
        assert f"the item, stored as a floating-point number, must be below 2^{bits}" in message
        assert "1 of 2 rows break this:\n  row 2: user 2, item " in message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "rows").write_bytes(TEXT.encode(encoding))
    assert f"did you mean encoding = '{encoding}'?" in refused(tmp_path)
    assert load(tmp_path, encoding=encoding).users.ids.tolist() == ["a", "b"]


@pytest.mark.parametrize("codec", ["gzip", "bz2", "zstd"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_compressed_file_that_is_not_whole(tmp_path: Path, codec: str, kind: str) -> None:
    text = json_lines(*({"u": n, "i": n, "v": 1, "t": n} for n in range(900)))
    data = compressed(codec, text if kind == "jsonl" else TEXT.encode() + b"c,7,1,9\n" * 900)
    for wrong in (data[:-3], data + b"something else"):
        (tmp_path / "rows").write_bytes(wrong)
        message = refused(tmp_path, kind=kind)
        assert "damaged, cut short, or with something else behind it" in message
        assert "copy or download it again" in message


def test_files_that_are_no_text_say_what_they_are(tmp_path: Path) -> None:
    for start, words in (
        (b"PAR1\x15\x04", 'a Parquet file, which kind = "parquet" reads'),
        (b"SQLite format 3\0", 'an SQLite database, which kind = "database" reads'),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook; save it as CSV"),
    ):
        (tmp_path / "rows").write_bytes(start + bytes(90))
        for kind in ("csv", "jsonl"):
            assert words in refused(tmp_path, kind=kind)
    (tmp_path / "rows").write_bytes(gzip.compress(b"PAR1"))
    assert "it is compressed with gzip: unpack it" in refused(tmp_path, kind="parquet")


def test_ids_of_one_file_in_another_type(tmp_path: Path) -> None:
    columns = {"user": "u", "item": "i"}
    for name, ids in (("a", [1, 2]), ("b", [1.0, 2.5]), ("c", [None, None])):
        pq.write_table(pa.table({"u": ids, "i": [1, 1]}), tmp_path / f"{name}.pq")
    rows = load(tmp_path, kind="parquet", path="[ac].pq", columns=columns)
    assert rows.users.ids.tolist() == [1, 2]
    assert rows.dropped == {"user missing": 2}
    rows = load(tmp_path, kind="parquet", path="[ab].pq", columns=columns)
    assert rows.users.ids.tolist() == ["1", "2", "2.5"]
    pq.write_table(pa.table({"u": ["x", "y"], "i": [1, 1]}), tmp_path / "b.pq")
    message = refused(tmp_path, kind="parquet", path="[ab].pq", columns=columns)
    assert "the user is int64 in the one and string in the other; write ids all as" in message
    (tmp_path / "a.csv").write_text("u,i\n1,1\n")
    (tmp_path / "b.csv").write_text("u,i\n1.0,1\n")
    (note,) = load(tmp_path, path="*.csv", columns=columns).notes
    assert note == "2 users have ids that differ only in a final '.0', such as '1', '1.0'"
