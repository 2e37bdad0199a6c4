"""`cfexp recommend|similar|explain`: what a finished model says, in the original ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cfexp.analysis.words import plain
from cfexp.cli.options import Home, Storage, TrackingUri, known_studies
from cfexp.search.place import DEFAULT_HOME, Place, Where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfexp.cli.lookup import Lookup
    from cfexp.models.relating import RelatingScorer

ModelName = Annotated[
    str,
    typer.Argument(
        help="A model file (.npz), the name of a study, or a model in MLflow "
        "(models:/..., runs:/...).",
        show_default=False,
        autocompletion=known_studies,
    ),
]
K = Annotated[int, typer.Option("-k", min=1, help="How many to show.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Item = Annotated[str, typer.Argument(help="An item's id or title.", show_default=False)]


def recommend(
    model: ModelName,
    users: Annotated[list[str], typer.Argument(help="Ids of users.", show_default=False)],
    *,
    k: K = 10,
    filter_seen: Annotated[
        bool | None,
        typer.Option(
            "--filter-seen/--include-seen",
            help="Leave out what the user had already, or not.",
            show_default="as when the model was evaluated",
        ),
    ] = None,
    new_items: Annotated[
        Path | None,
        typer.Option(
            "--new-items",
            help="Recommend among the items of this file alone: CSV, TSV or Parquet, the first "
            "column the id, the others item features (models of kind content).",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Recommend items to users of a finished model."""
    found = _lookup(model, Place(home, storage), tracking_uri)
    ids = found.users(users)
    candidates = None
    asked = found.model
    if new_items is not None:
        from cfexp.cli.lookup import with_new_items

        asked, candidates = with_new_items(asked, new_items)
    table = asked.recommend(ids, k, filter_seen=filter_seen, candidates=candidates)
    rows = [
        {name: _value(value) for name, value in row.items()}
        for row in table.to_dict(orient="records")
    ]
    if as_json:
        _print_json(rows)
        return
    for user in dict.fromkeys(_value(one) for one in ids):
        own = [row for row in rows if row["user"] == user]
        _print_ranked(f"for user {user}", own, "score")


def similar(
    model: ModelName,
    item: Item,
    *,
    k: K = 10,
    by: Annotated[
        Literal["cosine", "dot"] | None,
        typer.Option(
            help="How factors are compared (als, nmf, svd).",
            show_default="cosine; ease and item_knn: their weights",
        ),
    ] = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Show the items most like an item: by factors, or by an item model's weights."""
    import numpy as np

    from cfexp.errors import InputError

    found, scorer = _telling(model, Place(home, storage), tracking_uri)
    code = found.item(item)
    measure = by or scorer.measures[0]
    if measure not in scorer.measures:
        raise InputError(
            f"--by {by} compares factors, and {model} is of kind {scorer.model.kind!r}, which "
            f"compares items by {scorer.measures[0]} alone; leave --by out"
        )
    items, values = scorer.similar_items(np.array([code], np.int32), k, measure)
    rows = [
        {"rank": rank, **found.named(int(other)), measure: float(value)}
        for rank, (other, value) in enumerate(zip(items[0], values[0], strict=True), 1)
        if other >= 0
    ]
    if as_json:
        _print_json({"item": found.named(code), "by": measure, "similar": rows})
        return
    _print_ranked(f"like {found.label(code)}", rows, measure)


def explain(
    model: ModelName,
    user: Annotated[str, typer.Argument(help="A user's id.", show_default=False)],
    item: Item,
    *,
    k: K = 10,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Show what each item of a user's history adds to the score of an item."""
    found, scorer = _telling(model, Place(home, storage), tracking_uri)
    code = found.item(item)
    (one,) = found.users([user])
    items, adds = scorer.explain(found.user_code(one), code)
    score = float(adds.sum())
    rows: list[dict[str, Any]] = [
        {**found.named(int(other)), "adds": float(value)}
        for other, value in zip(items, adds, strict=True)
    ]
    if as_json:
        whole = {"user": _value(one), "item": found.named(code), "score": score}
        _print_json({**whole, "contributions": rows})
        return
    lines = [[str(row["item"]), row.get("title", ""), f"{row['adds']:+.4f}"] for row in rows[:k]]
    if len(rows) > k:
        rest = sum(row["adds"] for row in rows[k:])
        lines.append(["", f"{len(rows) - k} others", f"{rest:+.4f}"])
    lines.append(["", "score", f"{score:.4f}"])
    _print_table(f"{found.label(code)} for user {user}", ["item", "title", "adds"], lines)


def _lookup(model: str, where: Where, tracking_uri: str | None) -> Lookup:
    from cfexp.cli.lookup import Lookup, open_model

    return Lookup(open_model(model, where, tracking_uri))


def _telling(model: str, where: Where, tracking_uri: str | None) -> tuple[Lookup, RelatingScorer]:
    """Return a model, and its scorer, which knows how items relate."""
    from cfexp.errors import InputError
    from cfexp.models.relating import RelatingScorer
    from cfexp.models.saved import RELATING

    found = _lookup(model, where, tracking_uri)
    scorer = found.model.scorer
    if not isinstance(scorer, RelatingScorer):
        raise InputError(
            f"{model} is of kind {scorer.model.kind!r}, which does not know how items relate; "
            f"this needs a model of kind {', '.join(RELATING)}"
        )
    return found, scorer


def _value(value: Any) -> Any:  # noqa: ANN401 - NumPy's scalars, for JSON
    return value.item() if hasattr(value, "item") else value


def _print_json(value: Any) -> None:  # noqa: ANN401
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_ranked(title: str, rows: Sequence[Mapping[Any, Any]], measure: str) -> None:
    lines = [
        [str(row["rank"]), str(row["item"]), row.get("title", ""), f"{row[measure]:.4f}"]
        for row in rows
    ]
    _print_table(title, ["rank", "item", "title", measure], lines)


def _print_table(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [place for place, name in enumerate(columns) if name != "title" or _any(lines, place)]
    table = Table(
        title=Text(plain(title)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for place in shown:
        words = columns[place] in {"item", "title"}
        table.add_column(columns[place], justify="left" if words else "right", overflow="fold")
    for line in lines:
        table.add_row(*(Text(plain(line[place])) for place in shown))
    Console().print(table)


def _any(lines: Sequence[Sequence[str]], place: int) -> bool:
    return any(line[place] for line in lines)
