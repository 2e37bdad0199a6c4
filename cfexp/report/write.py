"""`write`: the files that a study leaves for people and programs to read."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from cfexp.analysis.words import markdown
from cfexp.report.buckets import bucket_frame, bucket_lines
from cfexp.report.cleaning import cleaning_frame
from cfexp.report.findings import findings
from cfexp.report.html.contents import html_report
from cfexp.report.per_user import per_user_frame
from cfexp.report.tables import leaderboard_frame, leaderboard_json
from cfexp.report.verdict import comparison_frame, verdict
from cfexp.search.store.record import REPORT_FILES

if TYPE_CHECKING:
    from pathlib import Path

    import optuna

    from cfexp.search.store.record import StudyRecord

REPORT = "report.html"


def write(study: StudyRecord, trials: optuna.Study | None, folder: Path) -> list[Path]:
    """Write the report of a study into `folder` and return the files, in reading order.

    `report.html` (with charts of Optuna's `trials`), `verdict.md`, `leaderboard.csv`,
    `leaderboard.json` (with the verdict and warnings), `comparisons.csv` (the winner
    against the others), `buckets.csv`, `cleaning.csv`, `per_user.parquet` and
    `study.toml`. Files that exist are replaced, each of them at once; those that would be
    empty are not written, and removed where an earlier report had them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    partial.mkdir(exist_ok=True)
    try:
        written = [path.replace(folder / path.name) for path in _write(study, trials, partial)]
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for name in set(REPORT_FILES) - {path.name for path in written}:
        (folder / name).unlink(missing_ok=True)
    return written


def _write(study: StudyRecord, trials: optuna.Study | None, folder: Path) -> list[Path]:
    words = _bullets(verdict(study), findings(study).warnings)
    written = [
        _text(folder / REPORT, html_report(study, trials)),
        _text(folder / "verdict.md", f"# {markdown(study.name)}\n\n{words}"),
    ]
    written += [_leaderboard_csv(study, folder), _leaderboard_json(study, folder)]
    compared = comparison_frame(study)
    if len(compared):
        compared.to_csv(folder / "comparisons.csv", index=False)
        written.append(folder / "comparisons.csv")
    lines = bucket_lines(study)
    if lines:
        path = folder / "buckets.csv"
        bucket_frame(lines).to_csv(path, index=False)
        written.append(path)
    cleaned = cleaning_frame(study)
    if len(cleaned):
        cleaned.to_csv(folder / "cleaning.csv", index=False)
        written.append(folder / "cleaning.csv")
    users = per_user_frame(study)
    if len(users):
        path = folder / "per_user.parquet"
        users.to_parquet(path, index=False)
        written.append(path)
    if study.text:
        written.append(_text(folder / "study.toml", study.text))
    return written


def _leaderboard_csv(study: StudyRecord, folder: Path) -> Path:
    path = folder / "leaderboard.csv"
    leaderboard_frame(study).to_csv(path, index=False)
    return path


def _leaderboard_json(study: StudyRecord, folder: Path) -> Path:
    content = leaderboard_json(study) | {"verdict": verdict(study)}
    return _text(folder / "leaderboard.json", json.dumps(content, indent=2) + "\n")


def _bullets(words: list[str], warnings: list[str]) -> str:
    lines = [f"- {markdown(one)}" for one in words]
    if warnings:
        lines += ["", "Warnings:", "", *(f"- {markdown(one)}" for one in warnings)]
    return "\n".join([*lines, ""])


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
