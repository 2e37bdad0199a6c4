"""`cfexp data describe`: what a log is like, and a study to begin with."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfexp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfexp.data.cleaning.rule import Rule
    from cfexp.data.cleaning.rules import AnyRule
    from cfexp.data.interactions import Interactions
    from cfexp.data.source import Source

_KINDS = {".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PACKED = {".gz", ".zst", ".bz2"}

Column = Annotated[str | None, typer.Option(help="A file's column of it.", show_default=False)]


def describe(
    what: Annotated[
        str,
        typer.Argument(
            metavar="STUDY.toml|NAME|FILE",
            help="A study file, a public data set as `cfexp data list` names it, or a file of "
            "rows with --user and --item.",
            show_default=False,
        ),
    ],
    *,
    user: Column = None,
    item: Column = None,
    value: Column = None,
    time: Column = None,
    separator: Annotated[
        str | None, typer.Option(help="Of a text file's columns.", show_default="','")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PAGE.html", help="Write a page with charts."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Describe data, and suggest split and thresholds as a study file to begin with.

    Density, distribution of activity and popularity, time span, repeats, what a split in time
    makes cold. Of a study's data, what its [[clean]] rules leave.
    """
    from cfexp.analysis.describe import describe as described
    from cfexp.analysis.suggest import study_toml, suggest
    from cfexp.data.cleaning.step import report

    columns = {"user": user, "item": item, "value": value, "time": time}
    name, data, rules, rows = _read(what, {k: v for k, v in columns.items() if v}, separator)
    found = described(rows)
    suggestion = suggest(rows, found)
    study = study_toml(name, data, suggestion, rules)
    lost = {step["rule"]: step["dropped"] for step in report(rows)[1:] if step["dropped"]}
    dropped = [(f"left out: {rule}", f"{count:,}") for rule, count in lost.items()]
    if output is not None:
        from cfexp.report.html.described import described as page

        try:
            output.write_text(page(name, found, suggestion, study, dropped), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{output} cannot be written: {error.strerror or error}") from error
    if as_json:
        plain = dataclasses.asdict(found) | {"dropped": lost}
        plain |= {"suggestion": dataclasses.asdict(suggestion), "study": study}
        typer.echo(json.dumps(plain, indent=2))
        return
    from rich.console import Console

    from cfexp.cli.plain_table import add_row, plain_table
    from cfexp.report.html.described import facts, quantile_names, quantile_rows

    console = Console()
    numbers = plain_table(name, "")
    for row in facts(found) + dropped:
        add_row(numbers, *row)
    quantiles = plain_table(*(f">{one}" if one else one for one in quantile_names(found)))
    for cells in quantile_rows(found):
        add_row(quantiles, *cells)
    console.print(numbers, quantiles)
    for mark, words in (("!", suggestion.warnings), ("•", suggestion.reasons)):
        for one in words:
            console.print(f"{mark} {one}", markup=False, highlight=False)
    typer.echo(f"\nA study to begin with:\n\n{study}")
    if output is not None:
        typer.echo(f"page: {output}")


def _read(
    what: str, columns: Mapping[str, str], separator: str | None
) -> tuple[str, dict[str, Any], list[dict[str, Any]], Interactions]:
    """Return a name, the `[data]` and `[[clean]]` of a study file, and the clean rows."""
    from pydantic import TypeAdapter, ValidationError

    from cfexp.data.cleaning.rules import clean
    from cfexp.data.cleaning.values import Values
    from cfexp.data.files.places import places_of
    from cfexp.data.interactions import MANY
    from cfexp.data.public.catalogue import catalogue
    from cfexp.data.sources import AnySource

    rules: tuple[AnyRule, ...] = ()
    source: Source
    folder, file = Path.cwd(), Path(what)
    of_file = file.suffix != ".toml" and what not in catalogue()
    if not of_file and (columns or separator is not None):
        given_too = [f"--{role}" for role in columns] + ["--separator"] * (separator is not None)
        raise InputError(f"{what} says how it is read; {given_too[0]} is for a file of rows")
    if file.suffix == ".toml":
        from cfexp.search.spec.study_file import load_study

        spec = load_study(file)
        name, source, rules, folder = spec.name, spec.data, spec.clean, spec.folder
    else:
        given: dict[str, Any]
        if what in catalogue():
            name, given = what, dict(catalogue()[what].study)
        else:
            name, given = _file(file, columns, separator)
        try:
            source = TypeAdapter(AnySource).validate_python(given)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"][1:]))  # after the kind
            raise InputError(f"{what}: {key}: {first['msg']}") from error
    if of_file or any(rule.settles_negatives for rule in rules):
        source = source.signed()
    rows = source.load(places_of(folder))
    if of_file and (rows.value < 0).any():
        rules = (Values(at_least=0),)
        rows = rows.noted(
            "rows with negative values are left out; where these take back rows before them, put "
            "kind = 'duplicates', keep = 'sum' ahead of that rule"
        )
    if len(rows) >= MANY:
        from cfexp.search.warm import compile_sorting

        compile_sorting(lambda words: typer.echo(words, err=True))
    rows = clean(rows, rules)
    return name, _written(source), [_written(rule) for rule in rules], rows


def _written(recipe: Source | Rule) -> dict[str, Any]:
    """Return what a study file says of a recipe."""
    return {"kind": recipe.kind, **recipe.model_dump(mode="json", exclude_defaults=True)}


def _file(
    file: Path, columns: Mapping[str, str], separator: str | None
) -> tuple[str, dict[str, Any]]:
    """Return a name for a file of rows and the `[data]` that reads it."""
    suffixes = [one for one in file.suffixes if one not in _PACKED]
    kind = _KINDS.get(suffixes[-1] if suffixes else "", "csv")
    if not file.is_file():
        raise InputError(
            f"{file}: neither a file nor a data set that `cfexp data list` names; give a study "
            "file, a name, or a file of rows with --user and --item"
        )
    if missing := [f"--{role}" for role in ("user", "item") if role not in columns]:
        raise InputError(f"{file}: name the columns; {' and '.join(missing)} are missing")
    given: dict[str, Any] = {"kind": kind, "path": str(file.resolve()), "columns": dict(columns)}
    if separator is not None:
        if kind != "csv":
            raise InputError(f"--separator is of text files, and {file} is read as {kind}")
        given["separator"] = separator
    stem = file.name.partition(".")[0]
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in stem) or "log", given
