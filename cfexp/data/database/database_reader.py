"""Rows of a database as Arrow columns: read-only, in chunks, errors without passwords."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from cfexp.addresses import ambiguity, redacted
from cfexp.data.files.nested import shown
from cfexp.data.rows.messages import positions
from cfexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cfexp.data.files.places import Places

_CHUNK = 50_000
_STREAMED = {"stream_results": True}
_PATIENCE = {
    "connect_timeout": 15,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""libpq's: seconds to connect, and until a connection to a machine that is gone is given up."""
_LOCKED = 30
"""Seconds after which a table that somebody else locks is given up."""
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_PLAIN = {int, float, bool, str, bytes, Decimal, dt.datetime, dt.date}
_NUMBERS = {int, float, bool}


class DatabaseReader:
    """Reads the columns of one table or query."""

    def __init__(
        self,
        address: str,
        places: Places,
        *,
        table: str | None = None,
        schema: str | None = None,
        query: str | None = None,
    ) -> None:
        wrong = None if address.startswith("sqlite") else ambiguity(address)
        if wrong is not None:
            raise DataError(f"the address of the database cannot be read: {wrong}")
        try:
            url = sa.make_url(address)
        except (ArgumentError, ValueError):  # which may repeat a piece of a password
            raise DataError(
                "the address of the database is not one; write it as "
                "driver://user:password@host:port/name, special characters percent-encoded"
            ) from None
        self._url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        self._places = places
        self._table, self._schema, self._query = table, schema, query
        self._driver_error: type[Exception] = SQLAlchemyError
        self.rows = 0

    @property
    def file(self) -> str:
        """What is read, for messages."""
        what = "query" if self._table is None else f"table {self._table!r}"
        # rendering decodes the login, so it is taken out before
        url = self._url.set(username="***" if self._url.username else None, password=None)
        return f"{what} of {redacted(url.render_as_string())}"

    def read(self, roles: Mapping[str, int | str]) -> pa.Table:
        """Return a table with one column per role."""
        with (
            self._told(),
            self._connected() as connection,
            contextlib.closing(self._selected(connection, roles)) as result,
        ):
            at = positions(self.file, roles, list(result.keys()))
            chunks: dict[str, list[pa.Array]] = {role: [] for role in at}
            for rows in _fetched(result):
                for role, place in at.items():
                    chunks[role].append(_array([row[place] for row in rows]))
                self.rows += len(rows)
        self._read = pa.table({role: _joined(parts) for role, parts in chunks.items()})
        return self._read

    def show(self, rows: Sequence[int]) -> list[str]:
        """Return one line per row position, counted in the order of the answer."""
        return shown(self._read, rows)

    def _selected(
        self, connection: sa.Connection, roles: Mapping[str, int | str]
    ) -> sa.CursorResult[Any]:
        """Return the rows of the query, or those columns of the table that are wanted."""
        if self._query is not None:
            query = sa.text(self._query.replace(":", r"\:"))  # it has no parameters
            return connection.execute(query, execution_options=_STREAMED)
        names = self._columns(connection)
        places = positions(self.file, roles, names).values()
        wanted = names[: max(places) + 1]  # a position stays one
        if not any(isinstance(column, int) for column in roles.values()):
            wanted = list(dict.fromkeys(names[place] for place in places))
        source = sa.table(self._table or "", schema=self._schema)
        # untyped, so that values come as the driver gives them
        selected: Any = sa.select(*(sa.column(name) for name in wanted)).select_from(source)
        return connection.execute(selected, execution_options=_STREAMED)

    def _columns(self, connection: sa.Connection) -> list[str]:
        looked = sa.inspect(connection)
        table = self._table or ""
        try:
            return [column["name"] for column in looked.get_columns(table, self._schema)]
        except NoSuchTableError:
            known = [*looked.get_table_names(self._schema), *looked.get_view_names(self._schema)]
            where = f" in schema {self._schema!r}" if self._schema else ""
            raise DataError(
                f"{self.file}: there is no such table{where}; there are "
                f"{', '.join(map(repr, sorted(known)[:30])) or 'none'}{did_you_mean(table, known)}"
            ) from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        engine = self._engine()
        kind = engine.dialect.name
        self._driver_error = engine.dialect.loaded_dbapi.Error
        try:
            with engine.connect() as connection:
                if kind == "postgresql":
                    connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCKED}s'")
                elif kind in {"mysql", "mariadb"}:
                    connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
                    connection.rollback()
                yield connection
        finally:
            engine.dispose()

    def _engine(self) -> sa.Engine:
        if self._url.get_backend_name() != "sqlite":
            waits = _PATIENCE if "psycopg" in self._url.drivername else {}
            return sa.create_engine(self._url, poolclass=sa.NullPool, connect_args=waits)
        name = self._url.database
        if not name or name == ":memory:":
            raise DataError(f"{self.file}: name the database's file, such as sqlite:///events.db")
        file = self._places.find(name)
        where = f"file:{quote(str(file.absolute()))}?mode=ro"
        return sa.create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(where, uri=True, timeout=_LOCKED),
            poolclass=sa.NullPool,
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Raise what the database, or its driver, says as a DataError without secrets."""
        try:
            yield
        except NoSuchModuleError as error:
            raise DataError(
                f"{self.file}: SQLAlchemy has no dialect {self._url.drivername!r}; such as "
                "postgresql, mysql, mariadb, sqlite, oracle, mssql, or one that you install"
            ) from error
        except ModuleNotFoundError as error:
            raise DataError(
                f"{self.file}: the driver {error.name!r} is not installed; pip install {error.name}"
            ) from error
        except (SQLAlchemyError, self._driver_error, UnicodeDecodeError) as error:
            cause = getattr(error, "orig", None) or error
            words = redacted(cause)
            if secret := self._url.password:
                words = words.replace(secret, "***")
            lines = words.strip().splitlines() or [type(cause).__name__]
            what = "cannot be read"
            if self.rows:
                after = f"{self.rows:,} rows, none of which is kept"
                what = f"the database ended the reading after {after}"
            raise DataError(f"{self.file}: {what}: {lines[0]}") from error


def _fetched(result: sa.CursorResult[Any]) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield chunks of rows as the driver gives them: SQLAlchemy's own take as long again."""
    cursor: Any = result.cursor
    rows: list[Sequence[Any]] = [*result.fetchmany(1)]  # perhaps fetched ahead, for the columns
    if rows:
        rows += cursor.fetchmany(_CHUNK - 1)
    while rows:
        yield rows
        rows = cursor.fetchmany(_CHUNK)


def _array(values: Sequence[Any]) -> pa.Array:
    """Return values as the driver gave them; as text where they are of several types."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= _PLAIN and (len(kinds) < 2 or kinds <= _NUMBERS):  # noqa: PLR2004
        with contextlib.suppress(pa.ArrowException, OverflowError):
            array = pa.array(values)
            return array.dictionary_encode() if kinds == {str} else array
    return _texts(values)


def _joined(parts: list[pa.Array]) -> pa.ChunkedArray:
    """Return chunks as one column; as text where they cannot be of one type."""
    tables = [pa.table({"column": part}) for part in parts] or [pa.table({"column": pa.nulls(0)})]
    try:
        return pa.concat_tables(tables, promote_options="permissive")["column"]
    except pa.ArrowException:
        return pa.chunked_array([_texts(part.to_pylist()) for part in parts])


def _texts(values: Sequence[Any]) -> pa.Array:
    texts = [None if value is None else _text(value) for value in values]
    return pa.array(texts, pa.string()).dictionary_encode()


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a driver gives
    """Return a value as text, the same one for what is equal: 2, 2.0 and Decimal("2.00")."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
