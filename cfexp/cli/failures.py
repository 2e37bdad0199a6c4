"""What a command says that fails or is stopped, and its exit code.

No traceback for a user's mistake.
"""

from __future__ import annotations

import errno
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cfexp.addresses import redacted
from cfexp.analysis.words import printable
from cfexp.errors import CfexpError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
INTERRUPTED = 130  # exit code of a command that Ctrl-C ended


@contextmanager
def failures_told() -> Iterator[None]:
    """Say on standard error what ends the block, and exit with its code."""
    try:
        yield
    except CfexpError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except MemoryError:
        _say("error: memory ran out; close other programs, or read fewer rows")
        sys.exit(CfexpError.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        if isinstance(error, PermissionError):
            _say(f"error: {where}{error.strerror}")
            sys.exit(InputError.exit_code)
        if error.errno in _UNWRITABLE:
            _say(f"error: {where}{error.strerror}. Everything finished is kept")
        else:
            _say(traceback.format_exc())
        sys.exit(CfexpError.exit_code)
    except Exception as error:  # noqa: BLE001 - of the storage, or a mistake of ours
        failure = _of_storage(error)
        # a traceback may repeat an address
        _say(f"error: {failure}" if failure else traceback.format_exc())
        sys.exit((failure or CfexpError).exit_code)


@contextmanager
def resumed_by(
    command: str, console: Console, *, kept: str = "everything finished is kept"
) -> Iterator[None]:
    """Say, when Ctrl-C or a closed output ends the block, what is kept and how to go on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        words = f"Stopped; {kept}. To go on:\n  {command}"
        if console.quiet:  # rich's SystemExit: the reader has gone (`cfexp run FILE | head`)
            sys.stderr.write(f"Standard output was closed. {words}\n")
        else:
            console.print(words, markup=False, highlight=False, soft_wrap=True)
        raise


def _of_storage(error: Exception) -> CfexpError | None:
    """Return the storage's failure in words, where a command has opened one."""
    if "cfexp.search.store.storage" not in sys.modules:
        return None
    from cfexp.search.store.storage import failure_of

    return failure_of(error)


def _say(words: str) -> None:
    """Write to standard error, without logins and what a terminal would act on."""
    sys.stderr.write(f"{printable(redacted(words))}\n")
