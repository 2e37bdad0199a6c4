"""`Measurement`: what all benchmarks print and write, whatever they measure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cfexp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

    from cfexp.bench.show import Row

_WIDE = 120


class Measurement:
    """One call of a benchmark: peers, threads, machine, and where results go."""

    def __init__(
        self,
        name: str,
        threads: int | None,
        peers: Sequence[str],
        chart: Path | None,
        file: Path | None,
    ) -> None:
        from cfexp.bench.machine import machine, thread_settings, versions
        from cfexp.bench.peers import installed
        from cfexp.parallel import cores

        for path in (chart, file):
            if path is not None and not path.absolute().parent.is_dir():
                raise InputError(f"there is no folder {path.absolute().parent} to write {path} to")
        self.console = Console()
        if not self.console.is_terminal:
            self.console.width = max(self.console.width, _WIDE)  # a file is as wide as needed
        self.threads = threads or cores()
        self._skipped: list[str] = []
        found = installed(peers, self._skip) if peers else {}
        self.peers = list(found)
        self._chart, self._file = chart, file
        self._facts: dict[str, Any] = {
            "benchmark": name,
            "machine": machine(),
            "versions": versions(found),
            "threads": thread_settings(self.threads),
            "skipped": self._skipped,
        }

    def say(self, text: str) -> None:
        """Print what is measured now."""
        self.console.print(f"[dim]{text}[/dim]", highlight=False)

    def _skip(self, text: str) -> None:
        self._skipped.append(text)
        self.console.print(text, markup=False)

    def state(self, words: str, **facts: Any) -> None:  # noqa: ANN401
        """Print machine, versions, threads and what is compared."""
        self._facts |= {"comparison": words, **facts}
        here = self._facts["machine"]
        lines = [
            f"{here['processor']}, {here['cores']} cores, load {here['load'][0]}",
            ", ".join(f"{name} {number}" for name, number in self._facts["versions"].items()),
            ", ".join(f"{name}: {value}" for name, value in self._facts["threads"].items()),
            words,
        ]
        self.console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)

    def finish(self, rows: Sequence[Row], *tables: Table, **facts: Any) -> None:  # noqa: ANN401
        """Print the tables; write JSON and chart where asked for."""
        from cfexp.bench.machine import machine
        from cfexp.bench.show import plain, write_chart

        self._facts |= {"machine_after": machine(), "rows": plain(rows), **facts}
        for table in tables:
            self.console.print(table)
        if self._file is not None:
            self._file.write_text(json.dumps(self._facts, indent=2) + "\n")
            self.console.print(f"everything: {self._file}", markup=False)
        if self._chart is not None:
            write_chart(rows, self._chart)
            self.console.print(f"chart: {self._chart}", markup=False)
