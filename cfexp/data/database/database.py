"""The `database` source: a table or a query of any database that SQLAlchemy reaches."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, field_serializer, model_validator

from cfexp.addresses import is_masked, redacted
from cfexp.data.rows.table_source import TableSource
from cfexp.errors import DataError

if TYPE_CHECKING:
    from typing import Self

    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions

_FROM_ENVIRONMENT = "env:"
_SELECT = re.compile(
    r"(\s|--[^\n]*\n|/\*(?!!)((?!\*/|/\*).)*\*/)*(select|with)\b", re.IGNORECASE | re.DOTALL
)
"""Behind comments: none within another, as PostgreSQL has them, and none that MySQL executes."""


def _address(url: str) -> str:
    if url.startswith(_FROM_ENVIRONMENT):
        if not url.removeprefix(_FROM_ENVIRONMENT).isidentifier():
            raise ValueError("after 'env:' stands the name of an environment variable")
        return url
    if "://" not in url or set(url) & set(" \t\r\n'\"\\\0"):
        raise ValueError(
            "must be env:NAME for an environment variable, or an address such as "
            "postgresql://host/name or sqlite:///events.db, special characters percent-encoded"
        )
    return url


def _one_select(query: str) -> str:
    """Return a query without its last semicolon; ValueError unless it is one that reads."""
    query = query.strip().removesuffix(";").strip()
    if not _SELECT.match(query):
        raise ValueError("must begin with SELECT or WITH: it is only read from")
    if ";" in query:
        raise ValueError(
            "must be one statement, so it may hold no ';' but at its end, not in a comment either; "
            "in a text write chr(59)"
        )
    return query


class Database(TableSource):
    """Rows of a table or a query, read in a read-only transaction, in chunks.

    A database promises no order of rows: they are put in that of time, user, item and value,
    so that ties in time go by item id, whatever it answers.
    """

    kind: Literal["database"] = "database"
    url: Annotated[str, Field(repr=False), AfterValidator(_address)]
    """The address, as SQLAlchemy writes it, or "env:NAME" for one in an environment variable,
    which keeps passwords out of the file. SQLite's file is looked for like other files."""
    table: Annotated[str, Field(min_length=1)] | None = None
    """The table or view, by its own name; or give `query`."""
    in_schema: Annotated[str, Field(min_length=1)] | None = None
    """The schema of the table; left out: the database's default."""
    query: Annotated[str, Field(min_length=1), AfterValidator(_one_select)] | None = None
    """One SELECT, whose columns are read."""
    ordered: bool = False
    """Whether the query has an ORDER BY that orders rows wholly; then its order breaks ties."""

    @model_validator(mode="after")
    def _one_thing_to_read(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table, a name, or query, one SELECT")
        if self.query is not None and self.in_schema is not None:
            raise ValueError("in_schema belongs to table; name schemas in the query itself")
        if self.ordered and (self.query is None or "order by" not in self.query.lower()):
            raise ValueError("ordered = true needs a query with an ORDER BY")
        return self

    @field_serializer("url")
    def _without_secrets(self, url: str) -> str:
        return redacted(url)

    def load(self, places: Places) -> Interactions:
        """Read every row; nothing is kept of a reading that the database ends early."""
        from cfexp.data.database.database_reader import DatabaseReader

        reader = DatabaseReader(
            self.address(), places, table=self.table, schema=self.in_schema, query=self.query
        )
        rows = self.rows_of(reader, places, ordered=self.ordered)
        if redacted(self.url) == self.url:
            return rows
        note = (
            "the study file holds the login of a database, which is masked in all that is "
            'stored; url = "env:NAME" keeps it out of the file'
        )
        return rows.noted(note)

    def address(self) -> str:
        """Return the address; DataError when it is masked or a variable that is not set."""
        if is_masked(self.url):
            raise DataError(
                "[data] url: the login is masked in what is stored; put the address into the "
                'environment and write url = "env:NAME"'
            )
        if not self.url.startswith(_FROM_ENVIRONMENT):
            return self.url
        name = self.url.removeprefix(_FROM_ENVIRONMENT)
        if not os.environ.get(name):
            raise DataError(
                f"[data] url = {self.url!r}, but the environment variable {name} is not set; "
                "put the database's address there"
            )
        return os.environ[name]
