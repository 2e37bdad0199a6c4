"""Every measurement runs in a process of its own: `python -m cfexp.bench.child JOB.json`.

The job names a task of `cfexp.bench.tasks`; the answer is written beside it.
BLAS keeps to one thread, as implicit advises, since each contender has threads of its
own; how many those are is part of the job.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cfexp.errors import BenchmarkError

ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}


def measure(task: str, job: dict[str, Any], environment: dict[str, str] | None = None) -> Any:  # noqa: ANN401
    """Run `task` with the arguments `job` (JSON values) in a child and return its answer.

    Raises
    ------
    BenchmarkError
        When the child fails, with the last thing it said.
    """
    with tempfile.TemporaryDirectory(prefix="cfexp-bench-") as folder:
        file = Path(folder) / "job.json"
        file.write_text(json.dumps({"task": task, "job": job}))
        run([sys.executable, "-m", "cfexp.bench.child", str(file)], task, environment)
        return json.loads(file.with_name("answer.json").read_text())


def run(command: list[str], what: str, environment: dict[str, str] | None = None) -> None:
    """Run a command to its end; raise BenchmarkError with its last words if it fails."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        env={**os.environ, **ONE_THREAD, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    if done.returncode == -signal.SIGKILL:
        raise BenchmarkError(f"{what}: the process was killed, probably for want of memory")
    words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    raise BenchmarkError(f"{what} failed: {words[-1]}")


def _main(file: Path) -> None:
    from cfexp.bench.tasks import TASKS

    order = json.loads(file.read_text())
    answer = TASKS[order["task"]](**order["job"])
    file.with_name("answer.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
