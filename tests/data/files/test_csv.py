from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from cfexp.data.files.places import Places
from cfexp.data.sources import AnySource
from cfexp.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cfexp.data.interactions import Interactions

NAMED = {"user": "u", "item": "i", "value": "v", "time": "t"}


def load(folder: Path, text: str | bytes, **fields: object) -> Interactions:
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "rows.csv").write_bytes(data)
    recipe = {"kind": "csv", "path": "rows.csv", "columns": NAMED} | fields
    source = TypeAdapter(AnySource).validate_python(recipe)
    return source.load(Places(folder, folder / "cache"))


def refused(folder: Path, text: str | bytes, **fields: object) -> str:
    with pytest.raises(DataError) as caught:
        load(folder, text, **fields)
    return str(caught.value)


def test_columns_by_name_in_any_order(tmp_path: Path) -> None:
    rows = load(tmp_path, "t,x,v,i,u\n20,a,2.5,9,3\n10,b,1,7,3\n\n30,c,0,9,1\n")
    assert rows.users.ids.tolist() == [1, 3]
    assert rows.items.ids.tolist() == [7, 9]
    assert rows.user.tolist() == [1, 1, 0]
    assert rows.item.tolist() == [1, 0, 1]
    assert rows.value.tolist() == [2.5, 1, 0]
    assert rows.time is not None
    assert rows.time.tolist() == [20_000_000, 10_000_000, 30_000_000]
    assert rows.row.tolist() == [0, 1, 2]
    assert rows.dropped == {}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "::", " - ", "¦"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_separators_and_positions(tmp_path: Path, separator: str, newline: str) -> None:
    lines = [("1", "é", "4", "5"), ("2", "b", "3", "6")]
    text = newline.join(separator.join(line) for line in lines)
    columns = {"user": 1, "item": 2, "value": 3, "time": 4, "title": 2}
    rows = load(tmp_path, text, separator=separator, header=False, columns=columns)
    assert rows.items.ids.tolist() == ["b", "é"]
    assert rows.titles is not None
    assert rows.titles.tolist() == ["b", "é"]
    assert rows.value.tolist() == [4, 3]


def test_latin_1_and_byte_order_mark(tmp_path: Path) -> None:
    latin = load(tmp_path, "u,i,v,t\n1,é,1,1\n".encode("latin-1"), encoding="latin-1")
    marked = load(tmp_path, b"\xef\xbb\xbfu,i,v,t\n1,\xc3\xa9,1,1\n")
    bare = load(tmp_path, b"\xef\xbb\xbf1,\xc3\xa9\n", header=False, columns={"user": 1, "item": 2})
    for rows in (latin, marked, bare):
        assert rows.items.ids.tolist() == ["é"]
        assert rows.users.ids.tolist() == [1]


def test_quotes(tmp_path: Path) -> None:
    rows = load(tmp_path, 'u,i,v,t\n1,"a,b",1,1\n2,"c\nd",2,2\n3,"say ""x""",3,3\n')
    assert rows.items.ids.tolist() == ["a,b", "c\nd", 'say "x"']
    plain = load(tmp_path, 'u,i,v,t\n1,"a,1,1\n', quote="")
    assert plain.items.ids.tolist() == ['"a']


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["1", "-2", "0"], "i"),
        (["007", "8"], "O"),
        (["1.0"], "O"),
        (["9" * 19], "O"),
        (["-0"], "O"),
    ],
)
def test_only_canonical_integers_become_integers(tmp_path: Path, ids: list[str], kind: str) -> None:
    rows = load(tmp_path, "u,i,v,t\n" + "".join(f"{name},1,1,1\n" for name in ids))
    assert rows.users.ids.dtype.kind == kind
    assert [str(rows.users.ids[code]) for code in rows.user] == ids


def test_rows_without_ids_are_dropped_and_counted(tmp_path: Path) -> None:
    text = 'u,i,v,t\n,5,x,y\n1,5,1,1\n1,"",1,1\n,,1,1\n2,6,2,2\n'
    rows = load(tmp_path, text)
    assert dict(rows.dropped) == {"user missing": 2, "item missing": 1}
    assert rows.row.tolist() == [1, 4]
    assert "no rows left of 2 read (user missing: 1, item missing: 1)" in refused(
        tmp_path, "u,i,v,t\n,5,1,1\n5,,1,1\n"
    )


def test_without_values_every_row_counts_one(tmp_path: Path) -> None:
    rows = load(tmp_path, "u,i\n1,2\n1,2\n", columns={"user": "u", "item": "i"})
    assert rows.value.tolist() == [1, 1]
    assert rows.time is None


def test_first_title_that_is_not_empty(tmp_path: Path) -> None:
    text = "u,i,n\n1,b,\n1,b,Bee\n2,b,Bzz\n1,a,\n"
    rows = load(tmp_path, text, columns={"user": "u", "item": "i", "title": "n"})
    assert rows.titles is not None
    assert rows.titles.tolist() == ["", "Bee"]


@pytest.mark.parametrize(
    ("written", "time_format", "microseconds"),
    [
        ("978300760", "auto", 978_300_760_000_000),
        ("978300760.5", "unix", 978_300_760_500_000),
        ("978300760123", "unix_ms", 978_300_760_123_000),
        ("2001-01-01", "auto", 978_307_200_000_000),
        ("2001-01-01 00:00:01", "auto", 978_307_201_000_000),
        ("2001-01-01T02:00:00+02:00", "iso", 978_307_200_000_000),
        ("2001-01-01T00:00:00.000250Z", "auto", 978_307_200_000_250),
        ("1/2/2001 0:00", "%m/%d/%Y %H:%M", 978_393_600_000_000),
        ("20010102", "%Y%m%d", 978_393_600_000_000),
    ],
)
def test_times(tmp_path: Path, written: str, time_format: str, microseconds: int) -> None:
    rows = load(tmp_path, f"u,i,v,t\n1,1,1,{written}\n", time_format=time_format)
    assert rows.time is not None
    assert rows.time.tolist() == [microseconds]


def test_times_of_mixed_precision(tmp_path: Path) -> None:
    text = "u,i,v,t\n1,1,1,2001-01-01\n1,1,1,2001-01-01T00:00:00.5Z\n"
    rows = load(tmp_path, text)
    assert rows.time is not None
    assert np.diff(rows.time).tolist() == [500_000]


@pytest.mark.parametrize("bad", ["-1", "nan", "inf", "x", "", "1e39"])
def test_bad_values_are_shown_with_their_lines(tmp_path: Path, bad: str) -> None:
    message = refused(tmp_path, f"u,i,v,t\n1,1,1,1\n\n1,2,{bad},1\n,9,{bad},1\n1,3,1,1\n")
    assert "values must be numbers, finite and not negative" in message
    assert "1 of 3 rows break this" in message
    assert ("[[clean]] kind = 'values', above = 0 drops them" in message) == (bad == "-1")
    assert f"line 4: 1,2,{bad},1" in message


def test_only_the_first_three_are_shown(tmp_path: Path) -> None:
    message = refused(tmp_path, "u,i,v,t\n" + "1,1,-1,1\n" * 7)
    assert [f"line {n}:" in message for n in range(1, 6)] == [False, True, True, True, False]
    assert message.endswith("... and 4 more")


def test_bad_line_after_a_line_break_in_quotes(tmp_path: Path) -> None:
    assert "line 4: 2,b,-1,1" in refused(tmp_path, 'u,i,v,t\n1,"a\nb",1,1\n2,b,-1,1\n')


@pytest.mark.parametrize(
    ("bad", "time_format"),
    [("", "auto"), ("x", "auto"), ("nan", "unix"), ("2001-13-01", "iso"), ("1", "%Y-%m-%d")],
)
def test_bad_times(tmp_path: Path, bad: str, time_format: str) -> None:
    good = "5" if time_format in {"auto", "unix"} else "2001-01-01"
    text = f"u,i,v,t\n1,1,1,{good}\n1,2,1,{good}\n1,3,1,{bad}\n"
    message = refused(tmp_path, text, time_format=time_format)
    assert f"times must be readable under time_format = {time_format!r}" in message
    assert "1 of 3 rows" in message
    assert f"line 4: 1,3,1,{bad}" in message


def test_milliseconds_read_as_seconds(tmp_path: Path) -> None:
    message = refused(tmp_path, "u,i,v,t\n1,1,1,978300760000\n", time_format="unix")
    assert "did you mean time_format = 'auto'?" in message


@pytest.mark.parametrize(
    ("factor", "time_format"),
    [(1, None), (10**3, "unix_ms"), (10**6, "unix_us"), (10**9, "unix_ns")],
)
def test_the_unit_of_times_is_told_by_their_size(
    tmp_path: Path, factor: int, time_format: str | None
) -> None:
    text = "u,i,v,t\n" + "".join(f"1,{n},1,{(978300760 + n) * factor}\n" for n in range(3))
    rows = load(tmp_path, text)
    assert rows.time is not None
    assert rows.time.tolist() == [(978300760 + n) * 10**6 for n in range(3)]
    assert [f"time_format = '{time_format}' says so" in note for note in rows.notes] == (
        [True] if time_format else []
    )
    if time_format:
        explicit = load(tmp_path, text, time_format=time_format)
        assert (explicit.notes, explicit.fingerprint) == ((), rows.fingerprint)


def test_times_of_several_units_or_writings_are_refused(tmp_path: Path) -> None:
    good = "1,1,1,978300760000\n" * 3
    message = refused(tmp_path, f"u,i,v,t\n{good}1,1,1,978300760\n")
    assert "times must be numbers of one unit; most are milliseconds since 1970" in message
    assert "line 5: 1,1,1,978300760" in message
    mixed = "1,1,1,2001-01-01\n" * 3 + "1,2,1,01/02/2001\n1,3,1,978300760\n"
    message = refused(tmp_path, f"u,i,v,t\n{mixed}")
    assert (
        "1 are numbers, 3 are ISO dates, 1 are neither; a column has one way of writing" in message
    )
    assert "line 5: 1,2,1,01/02/2001" in message
    assert "line 6: 1,3,1,978300760" in message


def test_missing_column(tmp_path: Path) -> None:
    message = refused(tmp_path, "user_id,i,v,t\n1,1,1,1\n", columns=NAMED | {"user": "userid"})
    assert "no column 'userid' for the user; the columns are 'user_id', 'i'" in message
    assert "did you mean 'user_id'?" in message
    assert "is the separator right?" in refused(tmp_path, "u;i;v;t\n1;1;1;1\n")
    assert "2 columns are called 'i'" in refused(tmp_path, "u,i,i,v,t\n1,1,1,1,1\n")
    columns = {"user": 1, "item": 3}
    assert "no column 3 for the item; rows have 2 columns" in refused(
        tmp_path, "1,2\n", header=False, columns=columns
    )


def test_rows_with_too_few_or_too_many_columns(tmp_path: Path) -> None:
    message = refused(tmp_path, "u,i,v,t\n1,1,1,1\n1,2\n1,1,1,1\n1,2,3,4,5\n")
    assert "every row must have 4 columns" in message
    assert "2 of 4 rows break this" in message
    assert "line 3: 1,2\n" in message
    assert "line 5: 1,2,3,4,5" in message


def test_ragged_rows_after_empty_lines_and_line_breaks(tmp_path: Path) -> None:
    message = refused(tmp_path, 'u,i,v,t\n\n\n1,"a\nb",1,1\n1,2\n\n1,1,1,1\n1,2,3,4,5\n')
    assert "2 of 4 rows break this:\n  line 6: 1,2\n  line 9: 1,2,3,4,5" in message


def test_wrong_encoding(tmp_path: Path) -> None:
    text = "u,i,v,t\n1,a,1,1\n1,é,1,1\n".encode("latin-1")
    message = refused(tmp_path, text)
    assert "line 3 is not utf-8 text" in message
    assert "did you mean encoding = 'latin-1'?" in message
    assert "line 3 is not utf-8 text" in refused(
        tmp_path, text.replace(b",", b"::"), separator="::", encoding="UTF8"
    ).replace("UTF8", "utf-8")


def test_wrong_encoding_of_the_header_or_of_a_row_with_too_many_columns(tmp_path: Path) -> None:
    assert "line 1 is not utf-8 text" in refused(tmp_path, b"u,i,v,t,\xe9\n1,1,1,1,1\n")
    assert "line 3 is not utf-8 text" in refused(tmp_path, b"u,i,v,t\n1,1,1,1\n1,1,1,1,\xe9\n")
    surrogate = b"u,i,v,t\n1,1,1,1\n1,+2AA-,1,1\n"
    assert "line 3 is not utf-7 text" in refused(tmp_path, surrogate, encoding="utf-7")


def test_columns_that_are_too_long(tmp_path: Path) -> None:
    huge = "x" * 200_000
    message = refused(tmp_path, f"{huge},i,v,t\n1,1,1,1\n")
    assert "the row at line 1 cannot be cut into columns of at most 131,072 characters" in message
    assert "is it not separated by ',', or a quote '\"' left open" in message
    message = refused(tmp_path, f"u,i,v,t\n1,{huge},1,1\n1,2,-1,1\n")
    assert "values must be numbers, finite and not negative" in message
    assert "1 of 2 rows break this" in message
    assert len(message) < 1_000
    message = refused(tmp_path, "u,i,v,t\n1,1,1,1\n" + f"1,{huge * 60},1,1\n" * 5)
    assert "a row is longer than 8 MiB" in message
    assert len(refused(tmp_path, "u" * 100_000 + ",i,v,t\n1,1,1,1\n")) < 1_000
    assert len(refused(tmp_path, "u,i,v,t\n1,1,-1," + "1" * 100_000 + "\n")) < 1_000


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_breaks_in_the_header(tmp_path: Path, newline: str) -> None:
    text = newline.join(['u,"i', 'd",v,t', "1,5,2,3", "2,6,-1,4"])
    columns = {"user": 1, "item": f"i{newline}d"}
    rows = load(tmp_path, text, columns=columns)
    assert rows.users.ids.tolist() == [1, 2]
    assert rows.items.ids.tolist() == [5, 6]
    assert "line 4: 2,6,-1,4" in refused(tmp_path, text, columns=columns | {"value": "v"})


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_empty_file(tmp_path: Path, text: str) -> None:
    assert "the file is empty" in refused(tmp_path, text)


def test_header_alone(tmp_path: Path) -> None:
    assert "no rows left of 0 read" in refused(tmp_path, "u,i,v,t\n")


def test_absent_file_names_both_places(tmp_path: Path) -> None:
    source = TypeAdapter(AnySource).validate_python(
        {"kind": "csv", "path": "no/such.csv", "columns": NAMED}
    )
    with pytest.raises(DataError) as caught:
        source.load(Places(tmp_path / "study", tmp_path / "cache"))
    assert str(tmp_path / "study/no/such.csv") in str(caught.value)
    assert str(tmp_path / "cache/no/such.csv") in str(caught.value)


def test_second_place(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("u,i,v,t\n1,1,1,1\n")
    source = TypeAdapter(AnySource).validate_python(
        {"kind": "csv", "path": "rows.csv", "columns": NAMED}
    )
    assert len(source.load(Places(tmp_path / "study", tmp_path))) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"header": False},
        {"encoding": "utf-88"},
        {"time_format": "unixms"},
        {"separator": ""},
        {"columns": {"user": "u", "item": 0}},
        {"columns": {"user": "u"}},
        {"quotes": "'"},
        {"encoding": "hex"},
        {"encoding": "rot13"},
        {"encoding": "undefined"},
        {"encoding": "a\0b"},
        {"quote": "é"},
        {"quote": "\n"},
        {"quote": ","},
        {"separator": "\n"},
        {"separator": "\0"},
        {"time_format": "%Q"},
        {"time_format": "%"},
        {"time_format": "%d %d"},
        {"path": "a\0b"},
    ],
)
def test_mistakes_in_the_study_file(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load(tmp_path, "", **fields)


# what a quote or a line break means is the tests' above; here the columns themselves
ids = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp"), blacklist_characters='",'),
    min_size=1,
    max_size=5,
)
row = st.tuples(ids, ids, st.floats(0, 1e6, width=32), st.integers(0, 10**10))


@given(st.lists(row, min_size=1, max_size=30))
def test_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float, int]]
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    frame = pd.DataFrame(rows, columns=list("uivt"))
    read = load(folder, frame.to_csv(index=False), time_format="unix")  # 1900 is no year here
    assert [str(read.users.ids[code]) for code in read.user] == frame.u.tolist()
    assert [str(read.items.ids[code]) for code in read.item] == frame.i.tolist()
    assert read.value.tolist() == frame.v.tolist()
    assert read.time is not None
    assert (read.time // 1_000_000).tolist() == frame.t.tolist()
    assert read.users.ids.tolist() == sorted(set(read.users.ids.tolist()))


def test_rows_without_a_value_are_refused_or_dropped_and_counted(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"columns": {"user": "u", "item": "i", "value": "v"}}
    text = "u,i,v\n1,1,5\n1,2,\n2,,\n2,1,0\n"
    with pytest.raises(DataError, match="line 3"):
        load(tmp_path, text, **fields)
    rows = load(tmp_path, text, missing_values="drop", **fields)
    assert rows.dropped == {"item missing": 1, "value missing": 1}
    assert rows.value.tolist() == [5, 0]
    assert rows.row.tolist() == [0, 3]
    with pytest.raises(DataError, match="line 3: 1,2,many"):
        load(tmp_path, "u,i,v\n1,1,5\n1,2,many\n1,3,\n", missing_values="drop", **fields)
