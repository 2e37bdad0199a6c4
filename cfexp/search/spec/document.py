"""From a study file's bytes to its document, in bounded time and memory, whatever they are."""

from __future__ import annotations

import json
import re
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cfexp.addresses import redacted
from cfexp.errors import InputError, Mistake, StudyFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST = 1 << 20
"""Bytes of a study file."""
_DEEPEST = 50
"""Parts of a dotted key: the time that they take to be read grows with their square."""
_DOTTED = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_DEEPEST}}}""", re.ASCII
)


def read_document(file: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a study file and what it says, read as TOML.

    Raises
    ------
    StudyFileError
        When it is not TOML.
    InputError
        When there is no such file, or it cannot be read, or is none that a person wrote.
    """
    name = str(file)
    data = _bytes(file)
    try:
        text = data.decode()
        _check_keys(text)
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise StudyFileError(name, [Mistake("", f"is not UTF-8 text: {error}")]) from None
    except RecursionError:
        raise StudyFileError(name, [Mistake("", f"is not valid TOML: {_NESTED}")]) from None
    except tomllib.TOMLDecodeError as error:
        raise StudyFileError(name, [Mistake("", f"is not valid TOML: {error}")]) from None
    except ValueError:
        raise StudyFileError(name, [Mistake("", _LONG)]) from None


def without_login(text: str, address: str) -> str:
    """Return the text of a study file whose database's address has lost its login.

    Comments lose those that they hold as well; nothing else of what the file says changes.

    Raises
    ------
    InputError
        When the address is not written as it reads, with an escape or over several lines.
    """
    masked = redacted(address)
    if masked != address:
        text = text.replace(address, masked)
        if tomllib.loads(text)["data"]["url"] != masked:
            raise InputError(
                "[data] url holds a login and is written with escapes or over several lines, so "
                "that it cannot be masked in what is stored; write it plainly, or put it into the "
                'environment and write url = "env:NAME"'
            )
    lines = [line.partition("#") for line in text.splitlines(keepends=True)]
    quiet = "".join(head + sign + redacted(comment) for head, sign, comment in lines)
    with suppress(tomllib.TOMLDecodeError):  # a "#" may stand within a value
        return quiet if quiet != text and tomllib.loads(quiet) == tomllib.loads(text) else text
    return text


def _bytes(file: Path) -> bytes:
    if file.exists() and not (file.is_file() or file.is_dir()):  # a pipe, a device: no end
        raise InputError(f"study file {file} cannot be read: it is not a regular file")
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        raise InputError(f"there is no study file {file}") from None
    except OSError as error:
        raise InputError(f"study file {file} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise InputError(f"{file}: a study file has at most {_LARGEST:,} bytes")
    return data


def _check_keys(text: str) -> None:
    if _DOTTED.search(text):
        raise tomllib.TOMLDecodeError(f"a dotted key has at most {_DEEPEST} parts")


def as_json(document: dict[str, Any], name: str) -> str:
    """Return a document as JSON; StudyFileError where its numbers or nesting have no end."""
    huge = [Mistake(path, _LONG) for path, value in _values(document) if _is_huge(value)]
    if huge:
        raise StudyFileError(name, huge)
    try:
        return json.dumps(document, default=str)
    except RecursionError:
        raise StudyFileError(name, [Mistake("", _NESTED)]) from None


def _values(document: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield every value with its path, however deep it lies."""
    todo: list[tuple[str, Any]] = [("", document)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            todo += [(f"{path}.{key}" if path else str(key), one) for key, one in value.items()]
        elif isinstance(value, list):
            todo += [(f"{path}[{index}]", one) for index, one in enumerate(value)]
        else:
            yield path, value


def _is_huge(value: object) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


_LONG = "whole numbers must lie within 64 bits, from -2^63 to 2^63 - 1"
_NESTED = "lists and tables are nested too deeply"
