"""The `online_retail` source: lines of a shop's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from cfexp.data.public.source import PublicSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import pyarrow as pa

    from cfexp.arrays import Mask
    from cfexp.data.files.parquet_file import ParquetReader
    from cfexp.data.files.places import Places
    from cfexp.data.interactions import Interactions
    from cfexp.data.side_information.attributes import Attributes
    from cfexp.data.vocabulary import Vocabulary

_ROLES = {
    "user": "CustomerID",
    "item": "StockCode",
    "time": "InvoiceDate",
    "title": "Description",
}
_MORE = {"invoice": "InvoiceNo", "quantity": "Quantity", "price": "UnitPrice"}


class OnlineRetail(PublicSource):
    """Order lines of customers of a British shop; lines without a customer are dropped.

    The country of a customer is known.
    Read from online_retail.parquet, which has the columns of the published workbook and
    which `cfexp data fetch` makes of it. Licence: CC BY 4.0.
    """

    kind: Literal["online_retail"] = "online_retail"
    cancellations: Literal["keep", "drop"] = "keep"
    """Whether cancelled invoices (those that begin with C) and lines whose quantity or price
    is not above 0 stay in, as lines like any other."""
    value: Literal["line", "quantity"] = "line"
    """What a row counts: 1, or its quantity, which needs cancellations = "drop"."""

    @model_validator(mode="after")
    def _quantities_of_sales(self) -> Self:
        if self.value == "quantity" and self.cancellations == "keep":
            raise ValueError('value = "quantity" needs cancellations = "drop": theirs are below 0')
        return self

    @property
    def dataset_name(self) -> str:
        return "online-retail"

    def rows(self, places: Places) -> Interactions:
        """Read every line of an order."""
        from cfexp.data.files.parquet_file import ParquetReader
        from cfexp.data.public.kept import Kept, interactions_of

        file = self.find(places, "online_retail.parquet")
        roles = _ROLES | ({"value": "Quantity"} if self.value == "quantity" else {})
        rules, more = (_bought, _MORE) if self.cancellations == "drop" else (_all, {})
        reader = Kept(ParquetReader(file), rules, more)
        rows = interactions_of(reader, roles, "auto", reader)
        return rows.with_attributes(_countries(ParquetReader(file), rows.users))


def _countries(reader: ParquetReader, users: Vocabulary) -> Attributes:
    """Return each customer's country, the first where a customer has several."""
    from cfexp.data.side_information.attributes import Attributes

    table = reader.read({"user": "CustomerID", "country": "Country"}).to_pandas()
    first = table.dropna().drop_duplicates("user").set_index("user")["country"]
    found = first.astype(object).reindex(users.ids).fillna("").to_numpy(dtype=np.str_)
    return Attributes({"country": found}, unused=len(first) - len(users))


def _all(table: pa.Table) -> Mapping[str, Mask]:
    del table
    return {}


def _bought(table: pa.Table) -> Mapping[str, Mask]:
    import pyarrow.compute as pc

    def true(column: pa.ChunkedArray) -> Mask:
        mask: Mask = pc.fill_null(column, fill_value=False).to_numpy()
        return mask

    return {
        "cancelled invoices": true(pc.starts_with(table["invoice"].cast("string"), "C")),
        "quantity or price not above 0": ~(
            true(pc.greater(table["quantity"], 0)) & true(pc.greater(table["price"], 0))
        ),
    }
