"""The reference of the study file, written from the records that check it.

python -m cfexp.search.spec.reference > studies/README.md
"""

from __future__ import annotations

import inspect
import json
import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cfexp.analysis.worst import ObjectiveName
from cfexp.metrics.metric import METRICS, UNCUT, MetricName, PerUserMetricName
from cfexp.search.spec.locations import kind_of, records_of
from cfexp.search.spec.spec import Name, StudySpec
from cfexp.splits.splitter import Splitter

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_INTRODUCTION = """\
# Studies

One TOML file is one study: what is read, what is held out, what is tried, what is
measured. `cfexp run studies/quickstart.toml` runs one. The file is the science; flags of
the command are logistics (where to write, how many workers).

| study | what |
|---|---|
| `quickstart.toml` | synthetic listens; nothing to download; under a minute |
| `ml1m.toml` | MovieLens-1M, the per-user temporal split of published comparisons |
| `ml1m-recency.toml` | the same, with positives that fade with a user's newer ones |
| `ml1m-baselines.toml` | the same, with what ALS has to beat: EASE and item-kNN, tuned |
| `ml1m-published-search.toml` | the same split: a published search of 30 trials, repeated |
| `new-items.toml` | synthetic songs that nobody has heard yet, by their audio features |
| `new-items-ml1m.toml` | movies of MovieLens-1M that nobody has rated yet, by genres and year |
| `lastfm2k.toml` | Last.fm 2K's play counts, split at random: ALS, EASE, item-kNN, popularity |
| `lastfm-novelty.toml` | Last.fm 1K's listens: what is new to a user in 30 days, a grid of ALS |
| `kuairec.toml` | KuaiRec: ALS as published, big matrix to small matrix |
| `online-retail.toml` | a shop's order lines, repeats included: ALS with and without recency |
| `online-retail-novel.toml` | the same, only what is new to the customer |
| `lastfm360k.toml` | Last.fm 360K: five ways from plays to confidence |

A mistake in a file is reported with its path and the valid choices, all mistakes at once.
A study is resumed only with the same science: everything but `description`,
`search.trials`, `search.trial_timeout`, `baselines`, `finals` and `buckets` (those that no
objective is the worst of). Change anything else and give the study a new name.

This page is generated from the code that checks study files. Keys without a default
are required.
"""

_NAMED: dict[Any, str] = {
    MetricName: "metric",
    PerUserMetricName: "metric",
    ObjectiveName: "metric or worst group",
    Name: "name",
}


_SHARED: dict[type[BaseModel], str] = {Splitter: "every `split`"}
"""Records whose keys all their kinds have: they are listed once."""


def reference() -> str:
    """Return the page, in Markdown."""
    cut = ", ".join(f"`{name}@k`" for name in METRICS if name not in UNCUT)
    uncut = ", ".join(f"`{name}`" for name in UNCUT)
    metrics = (
        f"A *metric* is one of {cut}, for any cut-off k, or {uncut}.\n"
        "[docs/metrics.md](../docs/metrics.md) defines them.\n"
    )
    parts = [_INTRODUCTION, metrics]
    parts += _section("The study", StudySpec, seen=set())
    return "\n".join(parts)


def _section(title: str, record: type[BaseModel], seen: set[type[BaseModel]]) -> list[str]:
    """Return the table of one record and, below it, those of the records it holds."""
    if record in seen:
        return []
    seen.add(record)
    lines = [f"## {title}", "", _first_line(record), ""]
    inner: list[str] = []
    rows = []
    shared = set() if record in _SHARED else _shared(record)
    for name, field in _own_first(record):
        if name in shared:
            continue
        rows.append(f"| `{name}` | {_words(field)} | {_default(field)} | {_meaning(field)} |")
        for option in records_of(field.annotation):
            kind = kind_of(option)
            heading = _written(name, field) + (f' with `kind = "{kind}"`' if kind else "")
            inner += _section(heading, option, seen)
        for base, heading in _SHARED.items():
            if any(issubclass(option, base) for option in records_of(field.annotation)):
                inner += _section(heading[0].upper() + heading[1:], base, seen)
    rows = [row for row in rows if not row.startswith("| `kind` ")]
    table = ["| key | value | default | meaning |", "|---|---|---|---|", *rows, ""]
    if shared:
        inner = ["And the keys of every kind, listed below.", "", *inner]
    return lines + (table if rows else []) + inner


def _shared(record: type[BaseModel]) -> set[str]:
    """Return the keys that a record has in common with its siblings."""
    bases = [base for base in _SHARED if issubclass(record, base)]
    return {
        name
        for base in bases
        for name, field in base.model_fields.items()
        if record.model_fields[name].default == field.default
    }


def _own_first(record: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Return a record's keys; those last that other records have too, unless they are required."""
    own = inspect.get_annotations(record)
    return sorted(
        record.model_fields.items(),
        key=lambda one: not (one[0] in own or one[1].is_required()),
    )


def _meaning(field: FieldInfo) -> str:
    return (field.description or "").replace("\n", " ")


def _written(name: str, field: FieldInfo) -> str:
    outer = get_origin(field.annotation)
    if outer is tuple:
        return f"`[[{name}]]`"
    return f"a range in `[{name}]`" if outer is dict else f"`{name}`"


def _first_line(record: type[BaseModel]) -> str:
    return (record.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")


def _words(field: FieldInfo) -> str:
    rules = tuple(field.metadata)
    for named, word in _NAMED.items():  # Pydantic keeps a field's own rules beside its type
        if rules and rules == get_args(named)[1:]:
            return word
    return " ".join([_type(field.annotation), *_bounds(rules)])


def _type(annotation: Any) -> str:  # noqa: ANN401, PLR0911 - one line per kind of type
    if annotation in _NAMED:
        return _NAMED[annotation]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return " ".join([_type(parts[0]), *_bounds(parts[1:])])
    if origin is Literal:
        return ", ".join(f'`"{part}"`' for part in parts)
    if origin in {Union, types.UnionType}:
        return " or ".join(dict.fromkeys(_type(part) for part in parts if part is not type(None)))
    if origin is tuple:
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return f"table of {_type(parts[1])}"
    if records_of(annotation):
        kind = kind_of(annotation)
        return f"`{kind}`" if kind else "table"
    return {int: "whole number", float: "number", str: "text", bool: "true or false"}[annotation]


def _bounds(rules: tuple[Any, ...]) -> list[str]:
    signs = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}
    plain = [one for rule in rules for one in getattr(rule, "metadata", [rule])]
    return [
        f"{sign} {getattr(rule, kind.__name__.lower())}"
        for rule in plain
        for kind, sign in signs.items()
        if isinstance(rule, kind)
    ]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        kind = getattr(value, "kind", None)
        return f"`{kind}`" if kind else "its defaults"
    if value in ((), {}):
        return "none"
    return f"`{json.dumps(value)}`"


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - the page
