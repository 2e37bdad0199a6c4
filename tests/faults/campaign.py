"""Random SIGKILLs over many short studies, and an audit after each: nothing may be missing.

A study is run by `cfexp run`, again and again. While it runs, a process of it is chosen at
random moments and killed: the command (or asked to stop), the worker, the projector, MLflow's
server, or its database (one connection, or all of PostgreSQL). When the study has had its
share of kills it is run to its end undisturbed. Then `cfexp audit` compares Optuna, the files
and MLflow row by row, and every trial that had ended before a kill must be there as it was.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from servers import Service, mlflow_service, postgres_service

from cfexp.errors import StudyConflictError
from cfexp.studies import audit, open_study
from cfexp.tracking.address import tracking_uri
from cfexp.tracking.client import open_client

MODULES = {"worker": "cfexp.search.run.worker", "projector": "cfexp.tracking.projector"}
POLITE = {"command by SIGTERM": signal.SIGTERM, "command by SIGINT": signal.SIGINT}
ENDS = ("command", *POLITE)
LIKELY = {"command": 3, "worker": 4, "projector": 4, "connection": 4, "server": 1, "database": 2}
LIKELY |= dict.fromkeys(POLITE, 1)
"""How often a process is chosen, in proportion."""
MARK = "CFEXP_FAULTS"  # in the environment of every process of a study
TRIALS = 6
STUDY = f"""
name = "NAME"
seed = 3
[data]
kind = "synthetic"
users = 80
items = 50
interactions = 2500
[feedback]
duplicates = "sum"
[split]
kind = "per_user_last"
test = 2
validation = 2
novel_only = true
[search]
trials = {TRIALS}
sampler = {{ kind = "random" }}
[finals]
configurations = 1
seeds = 2
[[models]]
model = {{ kind = "als", epochs = 3, factors = 4 }}
[models.space]
alpha = {{ kind = "float", low = 0.1, high = 40.0, log = true }}
[[baselines]]
model = {{ kind = "popularity" }}
"""
_PAUSES = (0.1, 2.0)  # seconds between two kills
_PER_STUDY = 16  # kills that a study has at most before it may end
_SESSION = 400  # seconds that one `cfexp run` may take
_ORPHANED = 60  # seconds in which the processes of a killed command end by themselves


@dataclass
class Figures:
    """What a campaign did and found."""

    kills: Counter[str] = field(default_factory=Counter)
    studies: int = 0
    sessions: int = 0
    wrong: dict[str, list[str]] = field(
        default_factory=lambda: {"lost": [], "doubled": [], "stuck": [], "half": []}
    )

    @property
    def killed(self) -> int:
        """How many processes were killed, not counting the signals that may be heeded."""
        return sum(count for victim, count in self.kills.items() if victim not in POLITE)

    def add(self, fault: str, words: str) -> None:
        self.wrong[fault].append(words)

    def __str__(self) -> str:
        victims = ", ".join(f"{count} {victim}" for victim, count in self.kills.most_common())
        kills = f"{self.killed} kills ({victims})"
        lines = [
            f"{kills} in {self.sessions} sessions of {self.studies} studies",
            ", ".join(f"{len(words)} {fault}" for fault, words in self.wrong.items()),
        ]
        return "\n".join([*lines, *(one for words in self.wrong.values() for one in words)])


class Campaign:
    """One study after another, until there were enough kills."""

    def __init__(
        self, folder: Path, seed: int, migrated: Path, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.figures = Figures()
        self._folder = folder
        self._rng = random.Random(seed)  # noqa: S311 - which process dies when
        self._migrated = migrated
        self._say = say
        self._lasted = 10.0  # seconds that the last study took that came to its end
        self._server: tuple[Service, str] | None = None
        self._database: Service | None = None

    def run(self, kills: int, *, on_server: Callable[[int], bool]) -> Figures:
        """Kill so often; `on_server` says which studies, by number, a server tracks."""
        while self.figures.killed < kills:
            number = self.figures.studies
            self.figures.studies += 1
            self.study(number, with_server=self._server is not None and on_server(number))
            self._say(str(self.figures))
        return self.figures

    @contextlib.contextmanager
    def server(self) -> Iterator[None]:
        """Have an MLflow server on PostgreSQL while the block runs."""
        with ExitStack() as held:
            self._database, address = held.enter_context(postgres_service())
            service, uri = mlflow_service(self._folder, f"{address}/postgres")
            held.enter_context(service.running())
            self._server = service, uri
            yield

    def study(self, number: int, *, with_server: bool) -> None:
        """Run a study through its kills, then to its end, and audit it."""
        name = f"faults-{number}"
        folder = self._folder / name
        home = folder / "home"
        home.mkdir(parents=True)
        (folder / "study.toml").write_text(STUDY.replace("NAME", name))
        uri = self._server[1] if with_server and self._server else None
        if self._rng.random() < 0.8:  # else its database is made while it may be killed
            shutil.copy(self._migrated, home / "mlflow.db")
        left = self._rng.randint(1, _PER_STUDY)
        self._workers = 0
        ended: dict[str, dict[str, object]] = {}
        for _ in range(40):
            code, killed = self._session(folder, uri, left, with_server=with_server)
            left -= killed
            ended = self._kept(home, name, ended)
            if code == 0 and not killed:
                break
        else:
            self.figures.add("lost", f"{name} never came to its end:\n{_log(folder)}")
        self._audit(home, name, uri)
        self._none_alive(name)

    def _session(
        self, folder: Path, uri: str | None, left: int, *, with_server: bool
    ) -> tuple[int, int]:
        """Run the command once, with up to `left` kills; return its exit code and the kills."""
        self.figures.sessions += 1
        command = [sys.executable, "-m", "cfexp.cli.main", "run", "study.toml", "--home", "home"]
        own = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")}
        environment = own | {MARK: folder.name} | ({"MLFLOW_TRACKING_URI": uri} if uri else {})
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        killed = 0
        began = time.monotonic()
        pause = self._rng.uniform(0, self._lasted)  # any moment of the study, its start as well
        while killed < left:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(pause)
            if process.poll() is not None:
                break
            pause = self._rng.uniform(*_PAUSES)
            if not _log(folder):  # Python itself still imports, and knows no manners
                continue
            victim = self._kill(process.pid, with_server=with_server)
            self.figures.kills.update([victim] if victim else [])
            killed += victim is not None
            if victim in POLITE:
                break
        try:
            code = process.wait(_SESSION)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
            self.figures.add("stuck", f"{folder.name} took over {_SESSION} s:\n{_log(folder)}")
        if code == 0:
            self._lasted = time.monotonic() - began
        if "Traceback" in _log(folder):
            self.figures.add("half", f"{folder.name} printed a traceback:\n{_log(folder)}")
        return code, killed

    def _kill(self, command: int, *, with_server: bool) -> str | None:
        """Kill one process at random; return what it was, None where that one is not there."""
        likely = LIKELY if with_server else {one: LIKELY[one] for one in (*MODULES, *ENDS)}
        (victim,) = self._rng.choices(list(likely), list(likely.values()))
        if victim in ENDS:
            os.kill(command, POLITE.get(victim, signal.SIGKILL))
        elif victim in MODULES:
            if victim == "worker" and self._workers >= TRIALS - 2:
                return None  # a study whose every trial was killed has found nothing
            found = _kill_one(children(command, MODULES[victim]))
            self._workers += found and victim == "worker"
            return victim if found else None
        elif victim == "connection":
            assert self._database is not None
            at = children(self._database.process.pid, "postgres: ann")
            return victim if _kill_one(at) else None
        else:
            self._restart(victim)
        return victim

    def _restart(self, victim: str) -> None:
        """Kill MLflow's server or its database, and start it again some moments later."""
        assert self._server is not None
        assert self._database is not None
        service = self._server[0] if victim == "server" else self._database
        service.signal(signal.SIGKILL)
        service.process.wait()
        time.sleep(self._rng.uniform(0, 1))
        for _ in range(100):  # the killed database's connections may not have ended yet
            service.start()
            time.sleep(0.2)
            if service.process.poll() is None:
                break

    def _kept(
        self, home: Path, name: str, before: dict[str, dict[str, object]]
    ) -> dict[str, dict[str, object]]:
        """Return the trials that have ended; those of before must be among them, unchanged."""
        try:
            study = open_study(home, name).record()
        except StudyConflictError:  # it was killed before it began
            return before
        now = {run.key: run.to_json() for run in study.of_role("trial")}
        for key, record in before.items():
            if now.get(key) != record:
                self.figures.add("lost", f"{name}: {key} had ended, and is another now")
        return now

    def _audit(self, home: Path, name: str, uri: str | None) -> None:
        if self._server is not None:
            for service in (self._database, self._server[0]):
                assert service is not None
                if service.process.poll() is not None:  # it began while its database was dead
                    service.start()
                service.wait()
        found = audit(home, name, tracking_uri=tracking_uri(uri, home))
        for check in found.problems:
            words = f"{name}: {check.place}: {check.name} {check.problem}"
            if any(word in check.problem for word in ("missing", "has no run", "waits")):
                self.figures.add("lost", words)
            elif any(word in check.problem for word in (" runs", "twice", "times", "nothing")):
                self.figures.add("doubled", words)
            elif any(word in check.problem for word in ("RUNNING", "running", "unfinished")):
                self.figures.add("stuck", words)
            else:
                self.figures.add("half", words)
        study = open_study(home, name).record()
        if (len(study.of_role("trial")), study.budget) != (TRIALS, TRIALS):
            self.figures.add("lost", f"{name}: {len(study.of_role('trial'))} of {TRIALS} trials")

    def _none_alive(self, name: str) -> None:
        """See that no process of the study outlives it."""
        end = time.monotonic() + _ORPHANED
        while alive := _marked(name):
            if time.monotonic() > end:
                self.figures.add("stuck", f"{name}: processes {alive} live on")
                return
            time.sleep(0.2)


def children(parent: int, words: str) -> list[int]:
    """Return the processes that `parent` started and whose command line holds `words`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # of a process that has ended meanwhile
            its = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if its == parent and words.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def migrated(folder: Path) -> Path:
    """Make an empty MLflow database, to be copied."""
    open_client(tracking_uri(f"sqlite:///{folder}/mlflow.db", folder), folder)
    return folder / "mlflow.db"


def _kill_one(processes: list[int]) -> bool:
    with contextlib.suppress(ProcessLookupError):
        if processes:
            os.kill(processes[0], signal.SIGKILL)
            return True
    return False


def _marked(name: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={name}\0".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def _log(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")[-3000:]
