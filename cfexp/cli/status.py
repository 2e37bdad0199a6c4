"""`cfexp status`: how far the studies of a home are."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from cfexp.cli.plain_table import add_row, plain_table, table_console
from cfexp.search.store.standing import best_trial, state
from cfexp.search.store.storage import is_storage, open_storage, study_names
from cfexp.studies import open_study

if TYPE_CHECKING:
    from cfexp.search.place import Where
    from cfexp.search.store.record import StudyRecord


def show_status(where: Where, name: str | None, *, as_json: bool) -> None:
    """Print one line per study, or JSON."""
    names = [name] if name else study_names(open_storage(where)) if is_storage(where) else []
    rows = [summary(open_study(where, one).record(), where) for one in names]
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201 - the command's output
        return
    if not rows:
        print(f"no studies in {where} yet; `cfexp run STUDY.toml` makes one")  # noqa: T201
        return
    table = plain_table("study", "state", ">trials", ">pruned", ">failed", "best on validation")
    table.columns[1].no_wrap = True
    for row in rows:
        best = "" if row["best"] is None else f"{row['objective']} {row['best']:.4f}"
        best += "".join(
            f"\n{name.removesuffix('_used')} {words}" for name, words in row["facts"].items()
        )
        counts = [f"{row['ended']:,}/{row['budget']:,}", f"{row['pruned']:,}", f"{row['failed']:,}"]
        add_row(table, row["study"], row["state"], *counts, best)
    table_console().print(table)


def summary(study: StudyRecord, where: Where) -> dict[str, Any]:
    """Return a study's progress as plain values."""
    trials = study.of_role("trial")
    states = Counter(run.state for run in trials)
    best = best_trial(study)
    return {
        "study": study.name,
        "budget": study.budget,
        "ended": len(trials),
        **{state: states[state] for state in ("complete", "pruned", "failed")},
        "objective": study.objectives[0],
        "best": None if best is None else best.metrics[f"val/{study.objectives[0]}"],
        "facts": {} if best is None else best.facts,
        "test_readings": len(study.readings),
        "state": state(study, where),
    }
