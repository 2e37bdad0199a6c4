"""The long campaign: python -m tests.faults --kills 200 --seed 1."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.campaign import Campaign, migrated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cfexp-faults-") as name:
        folder = Path(name)
        campaign = Campaign(folder, asked.seed, migrated(folder), say=_say)
        with campaign.server():
            figures = campaign.run(asked.kills, on_server=lambda number: number % 2 == 0)
    _say(f"{figures}\nseed {asked.seed}, {time.monotonic() - began:.0f} s")
    sys.exit(any(figures.wrong.values()))


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
