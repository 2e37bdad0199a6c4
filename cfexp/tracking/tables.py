"""Tables as MLflow's artifact view shows them, beside one another for several runs.

Rows are grouped by a table's first column there, and the second is what is compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.analysis.words import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from mlflow import MlflowClient

    from cfexp.search.record import RunRecord, StudyRecord


def log_tables(client: MlflowClient, run_id: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables, overwriting: MLflow's own `log_table` would append to earlier ones."""
    paths = {f"tables/{name}.json": table for name, table in tables.items()}
    for path, table in paths.items():
        client.log_text(run_id, table.to_json(orient="split", index=False), path)
    tag = json.dumps([{"path": path, "type": "table"} for path in paths])
    client.set_tag(run_id, "mlflow.loggedArtifacts", tag)


def log_groups(client: MlflowClient, ids: Mapping[str, str], study: StudyRecord) -> None:
    """Give every configuration whose groups of users are reported a table of its own.

    It lies with the run of the first seed and holds the mean over the seeds.
    """
    import pandas as pd

    path = Path(study.folder) / "report" / "buckets.csv"
    if not path.is_file():
        return
    groups = pd.read_csv(path).query("stage == 'test'")
    name = groups["metric"] + " by " + groups["by"] + ": " + groups["bucket"].astype(str)
    table = groups.assign(group=name)[["group", "mean", "low", "high", "users"]]
    for run in study.runs:
        own = table[groups["model"] == _label(run)]
        if run.key.endswith("/seed-1") and len(own):
            log_tables(client, ids[run.key], {"groups": own})


def _label(run: RunRecord) -> str:
    """Return what the report calls a run's configuration."""
    return plain(f"{run.entry} #{run.number}" if run.role == "final" else run.key.split("/")[1])
