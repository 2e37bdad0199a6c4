"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path, typer.Option("--home", help="Folder of everything that studies write.", file_okay=False)
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        envvar="CFEXP_STORAGE",
        metavar="URL",
        help="PostgreSQL database that machines share studies in, in place of the home's file.",
        show_default=False,
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        help="MLflow's store or server, in place of MLFLOW_TRACKING_URI and the home.",
        show_default=False,
    ),
]
Workers = Annotated[
    int, typer.Option(min=1, help="Computing processes; only with 1 do studies repeat exactly.")
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads of each worker.", show_default="all processors, shared"),
]
