"""`AnyModel`: every model there is; a study file names one by its `kind`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cfexp.models.als import ALS
from cfexp.models.item_knn import ItemKNN
from cfexp.models.popularity import Popularity
from cfexp.models.random import Random

AnyModel = Annotated[ALS | ItemKNN | Popularity | Random, Field(discriminator="kind")]
