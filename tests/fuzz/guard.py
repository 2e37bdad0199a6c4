"""What a child may not do while it reads a stranger's file: write elsewhere, unpickle, execute."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY = 6 << 30
"""Bytes of address space; libraries and their threads reserve about half of it unused."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = {
    *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
    *("os.symlink", "os.truncate", "os.utime", "shutil.copyfile", "shutil.move", "shutil.rmtree"),
}
_NEVER = {
    *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"),
    *("pickle.find_class", "socket.bind", "socket.connect", "subprocess.Popen"),
}


class Guard:
    """Notes what is forbidden, from the moment it is `armed`; a hook cannot be taken away."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs.resolve()
        self.armed = False
        self.noted: list[str] = []
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        writes = event == "open" and bool(int(arguments[2] or 0) & _WRITING)
        if event in _NEVER or ((writes or event in _CHANGING) and self._outside(arguments)):
            self.noted.append(f"{event} {arguments!r}")

    def _outside(self, arguments: tuple[Any, ...]) -> bool:
        paths = [os.fsdecode(one) for one in arguments[:2] if isinstance(one, str | bytes | Path)]
        places = [Path(os.path.abspath(path)) for path in paths if path not in {"r", "w", "rb"}]  # noqa: PTH100
        return not all(place.is_relative_to(self.outputs) for place in places)
