"""Runs cases one after another under a guard, and says of each what came of it."""

from __future__ import annotations

import json
import re
import shutil
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from cfexp.errors import CfexpError, InputError
from cfexp.search.prepared.prepare import prepare
from cfexp.search.spec.study_file import load_study
from tests.fuzz.archives import UNPACKED, archive_case, unpacked
from tests.fuzz.guard import Guard
from tests.fuzz.inputs import FILES, STUDY, data_case, study, study_case
from tests.fuzz.mutations import toml

CASES = {"study": study_case, "data": data_case, "archive": archive_case}


def attempt(folder: Path, outputs: Path) -> None:
    """Do what a study does with its files before anything is trained."""
    spec = load_study(folder / STUDY)
    prepared = prepare(spec)
    prepared.data_facts()
    prepared.split_facts()
    own = outputs / spec.name
    own.mkdir(parents=True, exist_ok=True)
    prepared.save_vocabulary(own / "vocabulary.npz")
    prepared.known.attributes.save(own / "users.npz")


def outcome(kind: str, folder: Path, guard: Guard) -> tuple[str, str]:
    """Return "read", "refused" or "defect", and a message or a traceback."""
    guard.noted.clear()
    guard.armed = True
    try:
        (unpacked if kind == "archive" else attempt)(folder, guard.outputs)
        word, words = "read", ""
    except InputError as error:
        word, words = "refused", str(error)
    except CfexpError as error:
        word, words = "defect", f"exit code {error.exit_code}: {error}"
    except BaseException:  # noqa: BLE001 - whatever else it is, it is a defect
        word, words = "defect", traceback.format_exc()
    finally:
        guard.armed = False
    return ("defect", "\n".join(guard.noted)) if guard.noted else (word, words)


def like(message: str) -> str:
    """Return what messages of one rule have in common."""
    head, _, more = message.partition("\n  ")
    rule = (more or head).partition("\n")[0]
    rule = re.sub(r"^\S*[/.\[\]\w]+: ", "", rule).partition(" (received")[0]
    return re.sub(r"'[^']*'|\"[^\"]*\"|[-\d][\d.,e+]*|\S*/\S*", "", rule)[:40]


def write(folder: Path, case: dict[str, bytes]) -> None:
    """Put a case's files into its folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in case.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def main(kind: str, seed: int, first: int, last: int, scratch: Path) -> None:
    """Run cases `first` to `last` - 1; one line of JSON before and one after each."""
    warnings.simplefilter("error")
    folder = scratch / "case"
    for number in range(0 if kind == "archive" else 30):
        # what is imported or compiled on first use is no case's doing
        document = study(np.random.default_rng([seed, number]))
        write(folder, FILES | {STUDY: toml(document)})
        attempt(folder, scratch / "outputs")
    guard = Guard(scratch / "outputs")
    for number in range(first, last):
        say(case=number)
        rng = np.random.default_rng([seed, number])
        write(folder, CASES[kind](rng))
        shutil.rmtree(scratch / "outputs" / UNPACKED, ignore_errors=True)
        word, words = outcome(kind, folder, guard)
        say(case=number, outcome=word, words=words[-4000:], like=like(words))


def say(**message: Any) -> None:  # noqa: ANN401
    """Tell the parent, at once."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]))
