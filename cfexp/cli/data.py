"""`cfexp data`: public data sets by name, in one cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfexp.cli.describe import describe
from cfexp.cli.plain_table import add_row, plain_table, table_console
from cfexp.errors import CfexpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from cfexp.data.public.check import Checked
    from cfexp.data.public.shelf import Shelf

app = typer.Typer(
    help="Public data sets by name, downloaded into one cache (CFEXP_DATA_DIR) and verified.",
    no_args_is_help=True,
)

app.command()(describe)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="As `cfexp data list` says.")]


@app.command("list")
def list_datasets(*, as_json: AsJson = False) -> None:
    """List the data sets, and which of them are here."""
    shelves = _shelves([])
    if as_json:
        typer.echo(json.dumps([_summary(shelf) for shelf in shelves], indent=2))
        return
    table = plain_table("name", "state", ">rows", "licence", "title")  # no wider than 80 columns
    for shelf in shelves:
        one = shelf.dataset
        add_row(table, one.name, shelf.state, _number(one.rows), one.terms.licence, one.title)
    console = table_console()
    console.print(table)
    console.print(f"cache: {shelves[0].root}", markup=False, soft_wrap=True)


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="The data set.", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what is known of a data set: files, checksums, licence, and how a study names it."""
    from cfexp.cli.fetching import terms_of

    (shelf,) = _shelves([name])
    if as_json:
        found = _summary(shelf) | shelf.dataset.model_dump(mode="json")
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    one = shelf.dataset
    lines = [f"{one.title} ({one.name}): {one.about}", one.page]
    counts = {"rows": one.rows, "users": one.users, "items": one.items}
    known = [f"{count:,} {what}" for what, count in counts.items() if count]
    lines += [*([", ".join(known)] if known else []), "", f"{shelf.state}: {shelf.folder}", ""]
    for download in one.downloads:
        published = download.checksum or "no checksum of it is published"
        lines.append(f"{download.url}\n  {_size(download.size) or 'size unknown'}, {published}")
        for file in download.files:
            rows = f"{file.rows:,} rows" if file.rows else "rows not published"
            checksum = file.checksum or "its checksum is kept from the first download on"
            made = f"made from {file.made_from}, " if file.made_from else ""
            lines.append(f"    {file.path}: {rows}, {made}{checksum}")
    lines += [
        "",
        f"Checksums: {one.origin}.",
        "",
        *terms_of(shelf),
        "",
        "In a study file:",
        "[data]",
    ]
    lines += [f'{key} = "{value}"' for key, value in one.study.items()]
    typer.echo("\n".join(lines))


@app.command()
def fetch(
    names: Names,
    *,
    accept: Annotated[
        bool, typer.Option("--accept", help="Acknowledge the terms, which are shown.")
    ] = False,
) -> None:
    """Download data sets that are not here; a download that stopped goes on where it was."""
    from rich.console import Console

    from cfexp.cli.fetching import get

    for shelf in _shelves(names):
        get(shelf, Console(), accept=accept)


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Data sets.", show_default="all that are here"),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Compare what is here with what was published: checksums and rows."""
    from cfexp.data.public.check import check as checked

    found = {}
    console = table_console()
    for shelf in _shelves(names or []):
        if names or len(shelf.missing(shelf.dataset.files)) < len([*shelf.dataset.files]):
            with console.status(f"reading {shelf.folder}"):
                found[shelf.dataset.name] = list(checked(shelf))
    wrong = sorted({name for name, files in found.items() if any(file.wrong for file in files)})
    if as_json:
        typer.echo(json.dumps({name: list(map(_plain, one)) for name, one in found.items()}))
    elif found:
        _show_checked(found, console)
    else:
        typer.echo(f"none of the data sets is in {_shelves([])[0].root}")
    if wrong:
        raise CfexpError(f"not as published: {', '.join(wrong)}")


def _shelves(names: Sequence[str]) -> list[Shelf]:
    from cfexp.data.files.places import data_dir
    from cfexp.data.public.catalogue import catalogue, named
    from cfexp.data.public.shelf import Shelf

    datasets = [named(name) for name in dict.fromkeys(names)] or catalogue().values()
    return [Shelf(dataset, data_dir()) for dataset in datasets]


def _summary(shelf: Shelf) -> dict[str, Any]:
    one = shelf.dataset
    return {
        "name": one.name,
        "state": shelf.state,
        "folder": str(shelf.folder),
        "rows": one.rows,
        "users": one.users,
        "items": one.items,
        "download_bytes": one.size,
        "licence": one.terms.licence,
        "about": one.about,
    }


def _plain(file: Checked) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(file) | {"wrong": file.wrong}


def _show_checked(found: dict[str, list[Checked]], console: Console) -> None:
    table = plain_table("data set", "file", "checksum", ">rows", ">left out")
    flawed = []
    for name, files in found.items():
        for file in files:
            verdict = f"{file.verdict} ✗" if file.wrong else str(file.verdict)
            verdict += ", not needed" if file.verdict == "missing" and file.optional else ""
            rows, short = _number(file.rows), file.path.rpartition("/")[2]
            if file.rows is not None and file.expected_rows not in {None, file.rows}:
                rows += f" of {file.expected_rows:,}"
            share = "" if file.flaws is None else f"{file.flaws.share:.1%}"
            add_row(table, name, short, verdict, rows, share)
            if file.flaws is not None and file.flaws.share:
                repeated, gaps = file.flaws.repeated, file.flaws.gaps
                flawed.append(f"{short}: {repeated:,} repeated rows, {gaps:,} with gaps")
    console.print(table)
    for line in flawed:
        console.print(line, markup=False, soft_wrap=True)


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _size(size: int | None) -> str:
    return "" if size is None else f"{max(size / 1e6, 0.1):,.1f} MB"
