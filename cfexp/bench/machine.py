"""Where numbers come from: the machine, its load, and the versions of all contenders."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.bench.child import ONE_THREAD, measure
from cfexp.parallel import cores

if TYPE_CHECKING:
    from collections.abc import Mapping

_OURS = ("cfexp", "numpy", "scipy", "numba", "optuna", "mlflow")


def machine() -> dict[str, Any]:
    """Return processor, cores, and how busy they are already."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def versions(peers: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of everything that is measured, and of what it stands on."""
    return {name: version(name) for name in _OURS} | dict(peers)


def thread_settings(threads: int) -> dict[str, str]:
    """Return how many threads everybody has, for print."""
    return {"threads of each contender": str(threads)} | ONE_THREAD


def product_gflops(threads: int) -> float:
    """Return what a float32 matrix product reaches here: the machine's limit, about."""
    more = {name: str(threads) for name in ONE_THREAD}
    return float(measure("matrix_product", {}, more)["gflops"])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
