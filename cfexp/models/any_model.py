"""`AnyModel`: every model there is; a study file names one by its `kind`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cfexp.models.als import ALS
from cfexp.models.content import Content
from cfexp.models.ease import EASE
from cfexp.models.item_knn import ItemKNN
from cfexp.models.nmf import NMF
from cfexp.models.popularity import Popularity
from cfexp.models.random import Random
from cfexp.models.repeat_last import RepeatLast
from cfexp.models.svd import PureSVD

AnyModel = Annotated[
    ALS | Content | EASE | ItemKNN | NMF | Popularity | PureSVD | Random | RepeatLast,
    Field(discriminator="kind"),
]
