"""`AnySource`: every source that a study file can name in `[data] kind`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from cfexp.data.database.database import Database
from cfexp.data.files.csv_file import Csv
from cfexp.data.files.jsonl_file import JsonLines
from cfexp.data.files.parquet_file import Parquet
from cfexp.data.frame import Frame
from cfexp.data.public.kuairec import KuaiRec
from cfexp.data.public.lastfm import LastFm
from cfexp.data.public.lightgcn import LightGcn
from cfexp.data.public.movielens import MovieLens
from cfexp.data.public.online_retail import OnlineRetail
from cfexp.data.public.taste_profile import TasteProfile
from cfexp.data.synthetic import Synthetic

AnySource: TypeAlias = Annotated[
    Csv
    | Parquet
    | JsonLines
    | Database
    | Frame
    | MovieLens
    | LastFm
    | KuaiRec
    | OnlineRetail
    | TasteProfile
    | LightGcn
    | Synthetic,
    Field(discriminator="kind"),
]
