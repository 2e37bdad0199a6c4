"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path, typer.Option("--home", help="Folder of everything that studies write.", file_okay=False)
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        help="MLflow's store or server, in place of MLFLOW_TRACKING_URI and the home.",
        show_default=False,
    ),
]
