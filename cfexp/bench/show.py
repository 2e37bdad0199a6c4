"""What a benchmark found: tables for the terminal, a chart for the browser, plain JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from cfexp.bench.als import AlsRow
from cfexp.bench.data import DataRow
from cfexp.bench.study import StudyRow
from cfexp.bench.topk import TopKRow
from cfexp.bench.tracking import TrackingRow, cost

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

Row = AlsRow | TopKRow | StudyRow | TrackingRow | DataRow
NONE = "–"  # noqa: RUF001 - an en dash is what an empty cell shows
_OURS, _PEERS = "#0072b2", {"implicit": "#e69f00", "irspack": "#009e73"}


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows as JSON values."""
    return [dataclasses.asdict(row) for row in rows]


def als_tables(rows: Sequence[AlsRow]) -> list[Table]:
    """Return the times against the peers, and what our own fits cost."""
    times = _table(
        "time to a loss no higher than the peer's",
        ["data", "factors", "peer", "its time", "cfexp", "epochs", "ratio", "loss / its"],
    )
    heads = ["data", "factors", "epochs", "ns/non-zero", "GFLOP/s", "peak", "B/non-zero"]
    costs = _table("what a fit costs", [*heads, "peer", "its peak"])
    for row in rows:
        start = [row.matrix, str(row.factors)]
        if row.peer is not None:
            times.add_row(
                *start,
                row.peer,
                _cell(row.peer_seconds, ".3f", " s"),
                _cell(row.seconds, ".3f", " s"),
                f"{_cell(row.epochs, 'g')} vs {row.peer_iterations}",
                _cell(row.ratio, ".1f", "x") if row.reached else "loss not reached",
                _cell(row.loss / row.peer_loss if row.loss and row.peer_loss else None, ".5f"),
            )
        costs.add_row(
            *start,
            _cell(row.epochs, "g"),
            _cell(row.ns_per_nonzero, ".1f"),
            _cell(row.gflops, ".1f"),
            _mb(row.peak_bytes),
            _cell(row.peak_bytes_per_nonzero, ".1f"),
            row.peer or NONE,
            _mb(row.peer_peak_bytes),
        )
    costs.caption = (
        "peak: beyond what holds the data; B/non-zero: less three times the factors; "
        "ns/non-zero: a whole fit by epochs and non-zeros"
    )
    return [times, costs] if times.row_count else [costs]


def topk_table(rows: Sequence[TopKRow]) -> Table:
    """Return one line per matrix and number of factors."""
    table = _table(
        "the best items of all users, from ready factors",
        ["data", "factors", "k", "users", "peer", "peer's time", "cfexp", "ratio", "same places"],
    )
    for row in rows:
        table.add_row(
            row.matrix,
            str(row.factors),
            str(row.k),
            f"{row.users:,}",
            row.peer,
            _cell(row.peer_seconds, ".3f", " s"),
            _cell(row.seconds, ".3f", " s"),
            _cell(row.ratio, ".1f", "x"),
            f"{row.agreement:.3%}",
        )
    return table


def study_table(rows: Sequence[StudyRow]) -> Table:
    """Return one line per contender."""
    table = _table(
        "a whole study, ndcg@10",
        ["contender", "what", "trials", "time", "ratio", "validation", "test"],
    )
    for row in rows:
        table.add_row(
            row.contender,
            row.what,
            str(row.trials),
            _cell(row.seconds, ".1f", " s"),
            _cell(row.ratio, ".1f", "x"),
            _cell(row.validation, ".4f"),
            _cell(row.test, ".4f"),
        )
    return table


def tracking_table(rows: Sequence[TrackingRow]) -> Table:
    """Return one line per number of trials; the line through them is the caption."""
    heads = ["trials", "without", "with", "MLflow adds", "share", "CPU", "report", "waiting"]
    table = _table("what tracking costs", [*heads, "model", "Optuna", "delay"])
    for row in rows:
        table.add_row(
            str(row.trials),
            _cell(row.seconds_without, ".1f", " s"),
            _cell(row.seconds, ".1f", " s"),
            _cell(row.extra, "+.2f", " s"),
            _cell(100 * row.share, ".1f", "%"),
            _cell(row.cpu_extra, "+.1f", " s"),
            _cell(row.report, ".2f", " s"),
            _cell(row.waiting, ".2f", " s"),
            _cell(row.model, ".2f", " s"),
            _cell(1e3 * row.optuna_per_trial, ".1f", " ms"),
            _cell(1e3 * row.optuna_delay_per_trial, ".1f", " ms"),
        )
    line = cost(rows)
    fit = (
        f"MLflow: {line.fixed:.2f} s a study, {1e3 * line.per_trial:.1f} ms a trial; "
        if line
        else ""
    )
    table.caption = fit + (
        "trials and test values are the same with it and without\n"
        "waiting: for MLflow when the report is written, the rest of the model's upload included; "
        "Optuna: a trial's share, delay: what its worker waited for of it"
    )
    return table


def data_table(rows: Sequence[DataRow]) -> Table:
    """Return one line per file and stage."""
    table = _table(
        "a log, from its file to matrices", ["data", "what", "time", "CPU", "peak", "B/row"]
    )
    for row in rows:
        table.add_row(
            f"{row.rows:,} rows, {row.form}",
            row.stage,
            _cell(row.seconds, ".1f", " s"),
            _cell(row.cpu_seconds, ".1f", " s"),
            f"{row.peak_bytes / 2**30:.2f} GiB",
            _cell(row.peak_bytes / row.rows, ".0f"),
        )
    return table


def write_chart(rows: Sequence[Row], path: Path) -> None:
    """Write a bar chart of all times as one HTML page that needs no network."""
    from plotly import graph_objects as go

    figure = go.Figure()
    for name, bars in _bars(rows).items():
        figure.add_bar(
            name=name,
            x=[x for x, _, _ in bars],
            y=[y for _, y, _ in bars],
            text=[text for _, _, text in bars],
            marker={"color": _PEERS.get(name, _OURS)},
        )
    figure.update_layout(
        template="plotly_white",
        barmode="group",
        yaxis={"title": "seconds (lower is better)", "rangemode": "tozero"},
        xaxis={"type": "category"},
        legend={"orientation": "h", "y": 1.1, "x": 0},
    )
    figure.write_html(path, include_plotlyjs=True)


def _bars(rows: Sequence[Row]) -> dict[str, list[tuple[str, float, str]]]:
    """Return (place, seconds, text) of every contender's bars."""
    bars: dict[str, list[tuple[str, float, str]]] = {}
    for row in rows:
        if isinstance(row, StudyRow):
            text = f"ndcg@10 {row.test:.4f}"
            bars.setdefault(row.contender, []).append((row.contender, row.seconds, text))
            continue
        if isinstance(row, TrackingRow):
            place = f"{row.trials} trials"
            bars.setdefault("without tracking", []).append((place, row.seconds_without, ""))
            bars.setdefault("cfexp", []).append((place, row.seconds, f"+{row.extra:.1f} s"))
            continue
        if isinstance(row, DataRow):
            place = f"{row.rows:,} rows, {row.form}"
            bars.setdefault(row.stage, []).append((place, row.seconds, ""))
            continue
        place = f"{row.matrix}, {row.factors} factors"
        if row.peer is not None:
            place = f"{place}, against {row.peer}"
        if row.peer is not None and row.peer_seconds is not None:
            bars.setdefault(row.peer, []).append((place, row.peer_seconds, ""))
        if row.seconds is not None:
            text = "" if row.ratio is None else f"{row.ratio:.1f}x"
            bars.setdefault("cfexp", []).append((place, row.seconds, text))
    return bars


def _table(title: str, columns: list[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        words = column in {"data", "peer", "what", "contender"}
        justify: Literal["left", "right"] = "left" if words else "right"
        table.add_column(column, justify=justify, no_wrap=column != "what")
    return table


def _cell(number: float | None, shape: str, unit: str = "") -> str:
    return NONE if number is None else f"{number:{shape}}{unit}"


def _mb(size: int | None) -> str:
    return NONE if size is None else f"{size / 1e6:,.0f} MB"
