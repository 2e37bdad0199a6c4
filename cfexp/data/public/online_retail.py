"""The `online_retail` source: lines of a shop's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cfexp.data.public.source import PublicSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from cfexp.arrays import Mask
    from cfexp.data.interactions import Interactions
    from cfexp.data.places import Places

_ROLES = {
    "user": "CustomerID",
    "item": "StockCode",
    "time": "InvoiceDate",
    "title": "Description",
}
_MORE = {"invoice": "InvoiceNo", "quantity": "Quantity", "price": "UnitPrice"}


class OnlineRetail(PublicSource):
    """Order lines of customers of a British shop; lines without a customer are dropped.

    Read from online_retail.parquet, which has the columns of the published workbook and
    which `cfexp data fetch` makes of it. Licence: CC BY 4.0.
    """

    kind: Literal["online_retail"] = "online_retail"
    cancellations: Literal["keep", "drop"] = "keep"
    """Whether cancelled invoices (those that begin with C) and lines whose quantity or price
    is not above 0 stay in, as lines like any other."""
    value: Literal["line", "quantity"] = "line"
    """What a row counts: 1, or its quantity, which needs cancellations = "drop"."""

    @property
    def dataset_name(self) -> str:
        return "online-retail"

    def load(self, places: Places) -> Interactions:
        """Read every line of an order."""
        from cfexp.data.parquet_file import ParquetReader
        from cfexp.data.public.kept import Kept, interactions_of

        file = self.find(places, "online_retail.parquet")
        roles = _ROLES | ({"value": "Quantity"} if self.value == "quantity" else {})
        if self.cancellations == "keep":
            return interactions_of(ParquetReader(file), roles, "auto")
        reader = Kept(ParquetReader(file), _bought, _MORE)
        return interactions_of(reader, roles, "auto", reader)


def _bought(table: pa.Table) -> Mapping[str, Mask]:
    import pyarrow.compute as pc

    def true(column: pa.ChunkedArray) -> Mask:
        mask: Mask = pc.fill_null(column, fill_value=False).to_numpy()
        return mask

    return {
        "cancelled invoices": true(pc.starts_with(table["invoice"], "C")),
        "quantity or price not above 0": ~(
            true(pc.greater(table["quantity"], 0)) & true(pc.greater(table["price"], 0))
        ),
    }
