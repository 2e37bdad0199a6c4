"""Tables as MLflow's artifact view shows them, beside one another for several runs.

Rows are grouped by a table's first column there, and the second is what is compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from cfexp.search.store.record import vectors_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from mlflow import MlflowClient

    from cfexp.analysis.bucket_recipe import Buckets
    from cfexp.data.side_information.attributes import Attributes
    from cfexp.search.store.record import StudyRecord


def log_tables(client: MlflowClient, run_id: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables, overwriting: MLflow's own `log_table` would append to earlier ones."""
    paths = {f"tables/{name}.json": table for name, table in tables.items()}
    for path, table in paths.items():
        client.log_text(run_id, table.to_json(orient="split", index=False), path)
    tag = json.dumps([{"path": path, "type": "table"} for path in paths])
    client.set_tag(run_id, "mlflow.loggedArtifacts", tag)


def log_groups(client: MlflowClient, ids: Mapping[str, str], study: StudyRecord) -> None:
    """Give every baseline and final a table of its metrics by group of users, on test."""
    users = Path(study.folder, "users.npz")
    recipes = study.spec.get("buckets", [])
    if not (recipes and users.is_file()):
        return
    from cfexp.analysis.bucket_recipe import Buckets
    from cfexp.data.side_information.attributes import Attributes

    buckets, attributes = [Buckets.model_validate(one) for one in recipes], Attributes.load(users)
    for run in study.runs:
        path = Path(study.folder, vectors_file(run.vectors, "test"))
        if path.is_file():
            log_tables(client, ids[run.key], {"groups": _groups(path, buckets, attributes)})


def _groups(vectors: Path, recipes: list[Buckets], attributes: Attributes) -> pd.DataFrame:
    """Return one row per group, from a run's per-user metrics."""
    import pandas as pd

    from cfexp.analysis.buckets import by_bucket, has_buckets
    from cfexp.metrics.evaluation import Evaluation

    evaluation = Evaluation.load(vectors)
    return pd.DataFrame(
        [
            {
                "group": f"{recipe.metric} by {recipe.by}: {group.label}",
                "mean": group.mean,
                "users": len(group.per_user),
            }
            for recipe in recipes
            if has_buckets(evaluation, recipe, attributes)
            for group in by_bucket(evaluation, recipe, attributes)
        ]
    )
