"""Tables and queries of real databases: SQLite in a file, PostgreSQL as a server."""

from __future__ import annotations

import contextlib
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from mlflow import MlflowClient
from pydantic import ValidationError
from servers import new_database

from cfexp.data.database import database_reader
from cfexp.data.database.database import Database
from cfexp.data.database.database_reader import DatabaseReader
from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.errors import DataError, InputError, StudyFileError
from cfexp.launch import run_study
from cfexp.report.cleaning import cleaning_lines
from cfexp.search.observer import Observer
from cfexp.search.spec.study_file import load_study
from cfexp.search.store.record import StudyRecord

NAMED = {"user": "who", "item": "Item Id", "value": "n", "time": "at", "title": "name"}
FRAME = pd.DataFrame(
    {
        "who": ["b", "a", None, "a", "b", "c"],
        "Item Id": [7, 5, 5, 7, 5, 9],
        "n": [1.0, 2, 3, 4, 5, 6],
        "at": pd.to_datetime(["2024-01-02", "2024-01-01", *["2024-01-03"] * 4], utc=True),
        "name": ["Z", "y", None, "A", "x", ""],
    }
)
TABLE = "Events (all)"
QUOTED = f'"{TABLE}"'
VIEW = f"create view seen as select * from {QUOTED}"  # noqa: S608 - a constant
MORE = f"update {QUOTED} set n = n + "  # noqa: S608
HIDDEN = "of the database"


def load(folder: Path, **fields: Any) -> Interactions:  # noqa: ANN401
    source = Database.model_validate({"columns": NAMED} | fields)
    return source.load(Places(folder, folder / "cache"))


def refused(folder: Path, **fields: Any) -> str:  # noqa: ANN401
    with pytest.raises(DataError) as caught:
        load(folder, **fields)
    return str(caught.value)


@pytest.fixture(scope="module")
def postgres(databases: str) -> str:
    address = new_database(databases)
    engine = sa.create_engine(address)
    FRAME.to_sql(TABLE, engine, index=False)
    with engine.begin() as connection:
        connection.execute(sa.text("create schema logs"))
        connection.execute(sa.text("create sequence numbers"))
        connection.execute(sa.text("create table counter (n int)"))
        connection.execute(sa.text(VIEW))
        big = "create table logs.big as select g as u, g % 9 as i, now() as t "
        connection.execute(sa.text(big + "from generate_series(1, 120000) g"))
    engine.dispose()
    return address


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    stored = FRAME.assign(at=FRAME["at"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    with sqlite3.connect(tmp_path / "a b?.db") as connection:
        stored.to_sql(TABLE, connection, index=False)
        connection.execute("create table counter (n int)")
        connection.execute(VIEW)
    connection.close()
    return "sqlite:///a b%3F.db".replace(" ", "%20")


TYPES = {
    "plain": ("int4 '7'", "7"),
    "long": ("int8 '9007199254740993'", 2**53 + 1),
    "exact": ("numeric '1.50'", "1.50"),
    "huge": ("numeric '18446744073709551617'", str(2**64 + 1)),
    "real": ("float8 '2'", 2),
    "truth": ("true", "true"),
    "day": ("date '2024-05-01'", "2024-05-01"),
    "unique": ("uuid '00000000-0000-0000-0000-00000000000A'", f"{0:08}-0000-0000-0000-{10:012x}"),
    "padded": ("char(3) 'a'", "a  "),
    "bytes": ("bytea 'b7'", "b7"),
    "json": ("""json '{"a": 1}'""", "{'a': 1}"),
}


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def test_a_table_and_a_query_are_the_same_in_any_order(address: str, tmp_path: Path) -> None:
    rows = load(tmp_path, url=address, table=TABLE)
    assert rows.users.ids.tolist() == ["a", "b", "c"]
    assert rows.items.ids.tolist() == [5, 7, 9]
    assert rows.value.tolist() == [2, 1, 4, 5, 6]  # by time, then user, then item
    assert rows.row.tolist() == [0, 1, 2, 3, 4]
    assert rows.dropped == {"user missing": 1}
    assert rows.titles is not None
    assert rows.titles.tolist() == ["x", "A", ""]
    for order in ("n", "n desc", "who, n"):
        query = f"select *, ':a %' as other from {QUOTED} order by {order};"  # noqa: S608 - a constant
        again = load(tmp_path, url=address, query=query)
        assert again.fingerprint == rows.fingerprint
        assert again.titles is not None
        assert again.titles.tolist() == rows.titles.tolist()
    query = f"with x as (select * from {QUOTED}) select * from x order by n desc"  # noqa: S608
    ordered = load(tmp_path, url=address, query=query, ordered=True)
    assert ordered.value.tolist() == [6, 5, 4, 2, 1]
    by_position = {"user": 1, "item": 2}
    assert len(load(tmp_path, url=address, table=TABLE, columns=by_position)) == 5


def test_nothing_is_written(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="must begin with SELECT or WITH"):
        load(tmp_path, url=address, query="delete from counter")
    with pytest.raises(ValidationError, match="must be one statement"):
        load(tmp_path, url=address, query="select 1; commit; drop table counter")
    writes = "with x as (insert into counter values (1) returning n) select n from x"
    assert "cannot be read" in refused(tmp_path, url=address, query=writes)
    assert "there is no such table" in refused(
        tmp_path, url=address, table="counter; drop table counter"
    )
    assert "there is no such table" in refused(tmp_path, url=address, table='counter"; --')
    columns = {"user": "n", "item": 'n"; drop table counter; --'}
    assert "no column 'n\"; drop" in refused(
        tmp_path, url=address, table="counter", columns=columns
    )
    columns = {"user": "n", "item": "n"}
    assert "no rows left of 0 read" in refused(
        tmp_path, url=address, table="counter", columns=columns
    )


def test_sql_that_writes_inside_of_a_function(postgres: str, tmp_path: Path) -> None:
    message = refused(
        tmp_path,
        url=postgres,
        query="select nextval('numbers') as n",
        columns={"user": "n", "item": "n"},
    )
    assert "read-only transaction" in message


def test_messages_help_and_tell_no_secret(address: str, tmp_path: Path) -> None:
    assert "did you mean 'Events (all)'?" in refused(tmp_path, url=address, table="Event (al)")
    message = refused(tmp_path, url=address, table="counter")
    assert "no column 'who' for the user; the columns are 'n'" in message
    message = refused(tmp_path, url=address, query="select n from nowhere")
    assert "nowhere" in message
    message = refused(
        tmp_path,
        url=address,
        query="select -1 as n, 1 as who, 1 as i",
        columns={"user": "who", "item": "i", "value": "n"},
    )
    assert "row 1: user 1, item 1, value -1" in message
    for text in (message, refused(tmp_path, url=address, table="x")):
        assert "of%20the" not in text
        assert HIDDEN not in text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://ann:my@pa:SECRETword@127.0.0.1/db", "before the last '@'"),
        ("postgresql://ann@127.0.0.1:54x32/db", "is not one; write it as"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(
    address: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTS", address)
    message = refused(tmp_path, url="env:EVENTS", table="plays")
    assert words in message
    assert "SECRET" not in message


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENTS", raising=False)
    fields = {"table": "t", "columns": {"user": "u", "item": "i"}}
    assert "the environment variable EVENTS is not set" in refused(
        tmp_path, url="env:EVENTS", **fields
    )
    monkeypatch.setenv("EVENTS", "postgresql://ann:TOKEN@127.0.0.1:1/none")
    message = refused(tmp_path, url="env:EVENTS", **fields)
    assert "table 't' of postgresql+psycopg://***@127.0.0.1:1/none: cannot be read: " in message
    assert "TOKEN" not in message
    monkeypatch.setenv("EVENTS", "ann:TOKEN")
    assert "TOKEN" not in refused(tmp_path, url="env:EVENTS", **fields)
    assert "no file 'none.db'" in refused(tmp_path, url="sqlite:///none.db", **fields)
    assert "name the database's file" in refused(tmp_path, url="sqlite://", **fields)
    assert "SQLAlchemy has no dialect 'nosuch'" in refused(tmp_path, url="nosuch://h/d", **fields)
    assert "driver 'oracledb' is not installed; pip install oracledb" in refused(
        tmp_path, url="oracle+oracledb://h/d", **fields
    )
    (tmp_path / "text.db").write_text("this is no database, but it is long enough to be read")
    assert "file is not a database" in refused(tmp_path, url="sqlite:///text.db", **fields)
    for wrong in ("env:", "env:a b", "postgres", "postgresql://a:b c@h/d", "x://a'b@h"):
        with pytest.raises(ValidationError):
            Database.model_validate({"url": wrong} | fields)
    for wrong_fields in ({"query": "select 1"}, {"table": None}, {"ordered": True}):
        with pytest.raises(ValidationError):
            Database.model_validate({"url": "env:A"} | fields | wrong_fields)


def test_a_password_in_the_file_is_masked_and_warned_of(postgres: str, tmp_path: Path) -> None:
    rows = load(tmp_path, url=postgres, table=TABLE)
    assert any('url = "env:NAME" keeps it out' in note for note in rows.notes)
    source = Database.model_validate({"url": postgres, "table": "t", "columns": NAMED})
    for text in (repr(source), source.model_dump_json(), str(source.model_dump())):
        assert "of%20the" not in text
    assert "***@127.0.0.1" in source.model_dump()["url"]
    assert Database.model_validate(source.model_dump()).url == source.model_dump()["url"]


def test_a_server_that_is_gone_is_given_up(postgres: str, tmp_path: Path) -> None:
    reader = DatabaseReader(postgres, Places(tmp_path, tmp_path), table=TABLE)
    with reader._connected() as connection:
        driver: Any = connection.connection.dbapi_connection
        known = driver.info.get_parameters()
    assert (known["keepalives_idle"], known["tcp_user_timeout"]) == ("30", "60000")


def test_a_masked_login_is_said(tmp_path: Path) -> None:
    url = "postgresql://ann:secret@localhost:1/x"
    stored = Database.model_validate({"url": url, "table": "t", "columns": NAMED}).model_dump()
    message = refused(tmp_path, **stored)
    assert "the login is masked in what is stored" in message
    assert 'url = "env:NAME"' in message


def test_only_the_login_is_masked_in_the_text_of_a_study(tmp_path: Path) -> None:
    url = "postgresql://ann:secret@host/db"
    query = "SELECT who, what FROM plays WHERE bypass=1"
    columns = "columns = { user = 'who', item='what', title=\"passages\" }"

    def read(address: str) -> str:
        text = STUDY.format(url=url).replace(f'"{url}"', address)
        text = text.replace('table = "bought"', f'query = "{query}"')
        lines = text.splitlines()
        lines[[line.startswith("columns") for line in lines].index(True)] = columns
        lines += ["# url = 'mysql://bob:other@host/db'", ""]
        (tmp_path / "study.toml").write_text("\n".join(lines))
        return load_study(tmp_path / "study.toml").text

    text = read(f'"{url}"')
    data = tomllib.loads(text)["data"]
    assert data["url"] == "postgresql://***@host/db"
    assert data["query"] == query
    assert data["columns"]["title"] == "passages"
    assert "# url = 'mysql://***@host/db'" in text
    assert query in read('"env:EVENTS"')
    for hidden in (r'"postgresql://ann:secret\u0040host/db"', f'"""{url[:17]}\\\n  {url[17:]}"""'):
        with pytest.raises(InputError, match=r"cannot be masked .*env:NAME"):
            read(hidden)
    with pytest.raises(StudyFileError, match="percent-encoded") as caught:
        read('"postgresql://ann:my pass@host/db"')
    assert "pass@" not in str(caught.value)


def test_a_database_that_goes_away(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"table": "big", "in_schema": "logs", "columns": {"user": "u", "item": "i"}}
    read: list[int] = []
    array = database_reader._array

    def slowly(values: Any) -> Any:  # noqa: ANN401
        read.append(len(values))
        if len(read) == 4:  # the second column of the second chunk
            engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
            others = "select pg_terminate_backend(pid) from pg_stat_activity where "
            with engine.connect() as connection:
                connection.execute(
                    sa.text(others + "pid <> pg_backend_pid() and datname = current_database()")
                )
            engine.dispose()
        return array(values)

    monkeypatch.setattr(database_reader, "_array", slowly)
    message = refused(tmp_path, url=postgres, **fields)
    assert "the database ended the reading after 100,000 rows, none of which is kept:" in message
    assert "of%20the" not in message


@pytest.mark.parametrize("kind", TYPES)
def test_types_of_postgres(postgres: str, tmp_path: Path, kind: str) -> None:
    written, expected = TYPES[kind]
    query = f"select {written} as i union all select null"
    query = f"select 1 as u, i from ({query}) as one"  # noqa: S608
    rows = load(tmp_path, url=postgres, query=query, columns={"user": "u", "item": "i"})
    assert [str(one) for one in rows.items.ids.tolist()] == [str(expected)]
    assert rows.dropped == {"item missing": 1}


def test_values_and_times_of_postgres(postgres: str, tmp_path: Path) -> None:
    columns = {"user": "u", "item": "u", "value": "v", "time": "t"}
    for value in ("1.5::numeric", "1.5::float4", "1.5::float8", "'1.5'::text"):
        for time in (
            "'2024-05-01 12:00:00.25+02'::timestamptz",
            "'2024-05-01 10:00:00.25'::timestamp",
            "'2024-05-01T10:00:00.25Z'::text",
            "1714557600.25::float8",
            "1714557600.25::numeric",
            "1714557600250::int8",
        ):
            query = f"select 1 as u, {value} as v, {time} as t"
            rows = load(tmp_path, url=postgres, query=query, columns=columns)
            assert rows.value.tolist() == [1.5], value
            assert rows.time is not None
            assert rows.time.tolist() == [1_714_557_600_250_000], time
    query = "select 1 as u, true as v, date '2024-05-01' as t"
    rows = load(tmp_path, url=postgres, query=query, columns=columns)
    assert rows.value.tolist() == [1]
    for value, time, words in (
        ("'NaN'::numeric", "now()", "values must be numbers, finite"),
        ("1", "'infinity'::timestamptz", "timestamp too large"),
        ("1", "null::date", "times must be readable"),
        ("array[1]", "now()", "values must be numbers, finite"),
        ("1/0", "now()", "division by zero"),
    ):
        query = f"select 1 as u, {value} as v, {time} as t"
        assert words in refused(tmp_path, url=postgres, query=query, columns=columns)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7])
def test_every_row_of_every_chunk(
    address: str, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_reader, "_CHUNK", 3)
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9) "
    query = f"{numbers} select i as u, i from n where i <= {count} order by i"  # noqa: S608
    columns = {"user": "u", "item": "i"}
    if count == 0:
        assert "no rows left of 0 read" in refused(
            tmp_path, url=address, query=query, columns=columns
        )
        return
    rows = load(tmp_path, url=address, query=query, columns=columns)
    assert rows.users.ids.tolist() == list(range(1, count + 1))


def test_a_view_and_a_query_with_comments(address: str, tmp_path: Path) -> None:
    rows = load(tmp_path, url=address, table="seen")
    assert rows.fingerprint == load(tmp_path, url=address, table=TABLE).fingerprint
    query = f"-- all of them\n/* and\nmore */ SELECT * -- every column\nfrom {QUOTED}"
    assert load(tmp_path, url=address, query=query).fingerprint == rows.fingerprint
    for wrong in (
        *("-- select\n delete from counter", "/* select */ drop table counter", "--select"),
        *("/* */ drop table counter /* */ select 1", "/* /* */ select */ drop table counter"),
        *(
            "/*! drop table counter */ select 1",
            "/**/" * 9_000 + " " * 9_000 + "drop table counter",
        ),
    ):
        with pytest.raises(ValidationError, match="must begin with SELECT or WITH"):
            load(tmp_path, url=address, query=wrong)
    with pytest.raises(ValidationError, match="not in a comment either"):
        load(tmp_path, url=address, query="select 1 -- one; two\n")


@contextlib.contextmanager
def somebody_else(address: str, folder: Path) -> Iterator[Callable[[str], object]]:
    """Give what executes statements on a connection of its own, each at once."""
    if address.startswith("sqlite"):
        connection: Any = sqlite3.connect(folder / "a b?.db", isolation_level=None)
    else:
        import psycopg

        connection = psycopg.connect(address.replace("+psycopg", ""), autocommit=True)
    with contextlib.closing(connection):
        yield connection.execute


def test_a_table_that_another_locks_is_given_up(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_reader, "_LOCKED", 1)
    if address.startswith("sqlite"):
        locks, words = ["begin exclusive"], "database is locked"
    else:
        locks = ["begin", f"lock table {QUOTED} in access exclusive mode"]
        words = "due to lock timeout"
    with somebody_else(address, tmp_path) as execute:
        for lock in locks:
            execute(lock)
        message = refused(tmp_path, url=address, table=TABLE)
        execute("rollback")
    assert words in message
    assert "of%20the" not in message
    assert len(load(tmp_path, url=address, table=TABLE)) == 5


def test_rows_that_others_write_meanwhile_are_not_seen(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_reader, "_CHUNK", 2)
    before = load(tmp_path, url=address, table=TABLE)
    array, calls = database_reader._array, 0
    with somebody_else(address, tmp_path) as execute:
        if address.startswith("sqlite"):
            execute("pragma journal_mode = wal")

        def writing(values: Any) -> Any:  # noqa: ANN401
            nonlocal calls
            calls += 1
            if calls == 2:
                execute(f"{MORE} 10")
            return array(values)

        monkeypatch.setattr(database_reader, "_array", writing)
        assert load(tmp_path, url=address, table=TABLE).fingerprint == before.fingerprint
        changed = load(tmp_path, url=address, table=TABLE)
        assert changed.value.tolist() == (before.value + 10).tolist()
        execute(f"{MORE} -10")


def test_text_of_sqlite_that_is_none(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (u, i)")
        connection.execute("insert into t values (1, cast(x'ff' as text))")
    connection.close()
    message = refused(tmp_path, url="sqlite:///x.db", table="t", columns={"user": "u", "item": "i"})
    assert "Could not decode to UTF-8" in message
    damaged = (tmp_path / "x.db").read_bytes().replace(b"CREATE TABLE", b"CREATE \xc1\xc1BLE")
    (tmp_path / "x.db").write_bytes(damaged)
    message = refused(tmp_path, url="sqlite:///x.db", table="t", columns={"user": "u", "item": "i"})
    assert "'utf-8' codec can't decode byte 0xc1" in message


def test_values_of_several_types(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (u, i, v)")
        values = [(1, "a", 1), ("x", "b", "2.5"), (None, "c", 3), (2.5, b"d", 4)]
        connection.executemany("insert into t values (?, ?, ?)", values)
    connection.close()
    rows = load(
        tmp_path, url="sqlite:///x.db", table="t", columns={"user": "u", "item": 2, "value": "v"}
    )
    assert rows.users.ids.tolist() == ["1", "2.5", "x"]
    assert sorted(rows.value.tolist()) == [1, 2.5, 4]


@pytest.mark.parametrize("chunk", [1, 2, 3, 50_000])
def test_an_id_is_one_whatever_it_is_stored_beside(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_reader, "_CHUNK", chunk)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (u, i)")
        users = [2.0, 2.5, 2, "x", 2.0, b"x", "2", 2.5]
        connection.executemany("insert into t values (?, 1)", [(user,) for user in users])
    connection.close()
    rows = load(tmp_path, url="sqlite:///x.db", table="t", columns={"user": "u", "item": "i"})
    assert rows.users.ids.tolist() == ["2", "2.5", "x"]
    assert np.bincount(rows.user).tolist() == [4, 2, 2]


def test_numbers_truth_values_and_bytes_have_one_text() -> None:
    values = [
        True,
        2.0,
        Decimal("2.00"),
        Decimal("1E+3"),
        Decimal("1.50"),
        -0.0,
        b"\xff",
        "x",
        None,
    ]
    texts = ["true", "2", "2", "1000", "1.5", "0", "\\xff", "x", None]
    together = database_reader._array(values)
    apart = database_reader._joined([database_reader._array([value]) for value in values])
    assert together.to_pylist() == apart.to_pylist() == texts


STUDY = """
name = "shop"
objectives = ["ndcg@10"]
[data]
kind = "database"
url = "{url}"
table = "bought"
columns = {{ user = "who", item = "what", value = "n", time = "at" }}
[[clean]]
kind = "values"
above = 0
[[clean]]
kind = "bots"
most = 100
[split]
kind = "per_user_last"
test = 2
validation = 0
novel_only = true
min_item = 2
[[baselines]]
model = {{ kind = "popularity" }}
"""


@pytest.mark.slow
def test_a_whole_study_keeps_no_secret_and_reports_what_was_cleaned(
    postgres: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    n = 3_000
    frame = pd.DataFrame(
        {
            "who": np.where(np.arange(n) < 150, 99, rng.integers(60, size=n)),
            "what": rng.integers(80, size=n),
            "n": rng.integers(-1, 5, size=n),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(n), "h"),
        }
    )
    engine = sa.create_engine(postgres)
    frame.to_sql("bought", engine, index=False)
    engine.dispose()
    (tmp_path / "shop.toml").write_text(STUDY.format(url=postgres))
    said: list[str] = []

    class Listener(Observer):
        def started(self, study: StudyRecord) -> None:
            said.extend([*cleaning_lines(study.data), *study.data["notes"]])

    spec = load_study(tmp_path / "shop.toml")
    study = run_study(spec, home=tmp_path / "home", observer=Listener())
    kept = frame[frame.n > 0]
    bots = int((kept.who == 99).sum())
    assert said[:3] == [
        "rows read: 3,000",
        f"dropped {n - len(kept):,} rows ({1 - len(kept) / n:.1%}): value not above 0",
        f"dropped {bots} rows ({bots / n:.1%}): users with more than 100 rows",
    ]
    assert "the study file holds the login of a database" in said[-1]
    report = Path(study.folder) / "report"
    page = (report / "report.html").read_text()
    assert "<h3>Cleaning</h3>" in page
    assert f'users with more than 100 rows</td><td class="right">{bots}</td>' in page
    table = pd.read_csv(report / "cleaning.csv")
    assert table.dropped.tolist()[1:3] == [n - len(kept), bots]
    assert table.rows.iloc[-1] == study.data["rows"]
    client = MlflowClient(f"sqlite:///{tmp_path}/home/mlflow.db")
    experiment = client.get_experiment_by_name("shop")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`cfexp.role` = 'study'")
    files = {file.path for file in client.list_artifacts(runs[0].info.run_id, "tables")}
    assert "tables/cleaning.json" in files
    assert f"users with more than 100 rows: {bots}" in runs[0].data.tags["mlflow.note.content"]
    for file in (tmp_path / "home").rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert b"of%20the%20database" not in content, file
        assert HIDDEN.encode() not in content, file
