"""`python -m tests.fuzz`: mutated study files, data files and archives, read by a watched child.

A case passes when its files are read, or refused with an error of exit code 2 (an archive's: 1).
A traceback, a warning, a hang, a child that dies (for want of memory, say), a write outside the
output folder, an unpickled class, a process started or a connection made is a defect: its files
are kept, and the exit code is 1.
"""

# ruff: noqa: T201 - a command that prints

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tests.fuzz.child import CASES, write

KINDS = ["study", "data", "archive"]
SECONDS = 60  # without a word from the child, on a busy machine


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="cases of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, help="all, when left out")
    parser.add_argument("--keep", type=Path, help="where to put the files of defects")
    asked = parser.parse_args()
    kinds = [asked.kind] if asked.kind else KINDS
    defects = [fuzz(kind, asked) for kind in kinds]
    return int(any(defects))


def fuzz(kind: str, asked: argparse.Namespace) -> int:
    """Run the cases of one kind; print and return how many were defects."""
    counts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    began, next_case, last = time.monotonic(), asked.first, asked.first + asked.count
    with tempfile.TemporaryDirectory(prefix="cfexp-fuzz-") as scratch:
        while next_case < last:
            for number, word, words, like in results(kind, asked.seed, next_case, last, scratch):
                counts[word] += 1
                if word == "refused":
                    errors[like] += 1
                if word == "defect":
                    print(f"{kind} {number}: {words}", flush=True)
                    if asked.keep:  # made again: the child is at the next case
                        kept = asked.keep / f"{kind}-{asked.seed}-{number}"
                        write(kept, CASES[kind](np.random.default_rng([asked.seed, number])))
                next_case = number + 1
    print(
        f"{kind}: {asked.count:,} cases in {time.monotonic() - began:.0f} s; "
        f"{counts['read']:,} read, {counts['refused']:,} refused with {len(errors)} distinct "
        f"errors, {counts['defect']} defects",
        flush=True,
    )
    return counts["defect"]


def results(kind: str, seed: int, first: int, last: int, scratch: str):  # noqa: ANN201
    """Yield (number, outcome, words, like) until the child ends; it may end early, by a defect."""
    command = [sys.executable, "-m", "tests.fuzz.child", kind, *map(str, (seed, first, last))]
    settings = {"PYTHONDONTWRITEBYTECODE": "1", "CFEXP_DATA_DIR": str(Path(scratch, "none"))}
    settings |= {"OMP_NUM_THREADS": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    with subprocess.Popen(
        [*command, scratch],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=os.environ | settings,
        text=True,
    ) as child:
        assert child.stdout is not None
        current, open_case = None, False
        while True:
            ready, _, _ = select.select([child.stdout], [], [], SECONDS)
            if not ready:
                child.kill()
                if current is None:
                    break
                yield current, "defect", f"silent for {SECONDS} s", ""
                return
            line = child.stdout.readline()
            if not line:
                break
            said = json.loads(line)
            current, open_case = said["case"], "outcome" not in said
            if not open_case:
                yield current, said["outcome"], said["words"], said["like"]
        if current is None:
            raise SystemExit("the child ended before its first case")
        if open_case:
            yield current, "defect", f"the child died with code {child.wait()}", ""


if __name__ == "__main__":
    sys.exit(main())
