"""Where a result comes from: versions, machine, git state. No names, no paths."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

from cfexp.parallel import cores

PACKAGES = ("mlflow", "numba", "numpy", "optuna", "pandas", "pyarrow", "scikit-learn", "scipy")
_GIT_SECONDS = 5


def provenance() -> dict[str, str]:
    """Return versions, platform, cores and, inside a git work tree, commit and state."""
    facts = {
        "cfexp": version("cfexp"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": str(cores()),
    }
    for name in PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            continue
    return facts | git_state()


def git_state() -> dict[str, str]:
    """Return `git_commit`, `git_branch` and `git_dirty` of the working folder, or nothing."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    dirty = _git("status", "--porcelain", "--untracked-files=no")
    return {
        "git_commit": commit,
        "git_branch": _git("rev-parse", "--abbrev-ref", "HEAD") or "",
        "git_dirty": "true" if dirty else "false",
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
