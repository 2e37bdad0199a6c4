"""Changes to bytes and to documents, drawn by a random generator."""

from __future__ import annotations

import copy
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

NUMBERS: list[Any] = [
    *(0, -0.0, 1, -1, 2, 0.5, 1e-320, 1e308, math.inf, -math.inf, math.nan),
    *(2**31 - 1, 2**31, -(2**31), 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**400),
]
TEXTS = [
    *("", " ", "a", "\0", "\n", "\x1b[31mred\x1b[0m", "\u202eevil", "\u200b", "é", "e\u0301", "漢"),
    *("../up", "/etc/passwd", "~", "~nobody-here/x", "/dev/zero", "/dev/stdin", ".", "..", "C:\\x"),
    *("<script>alert(1)</script>", "</script>", "'; DROP TABLE trials; --", "=1+1", "{0}", "%s"),
    *("[bold]x[/bold]", "[/]", "${HOME}", "x" * 5_000, "\U0001f600", "\ufeff", "NaN", "1e400"),
    *("ndcg@0", "ndcg@10", "recall@" + "9" * 30, "recall@5:worst:x", "2001-02-30", "auto", "%Q"),
]
TOKENS = [
    *(
        b"\0",
        b"\n",
        b"\r\n",
        b"\r",
        b'"',
        b'"""',
        b"'",
        b",",
        b"::",
        b"\t",
        b"|",
        b" ",
        b"\\",
        b"=",
    ),
    *(
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\x1b[2J",
        b"\x1f",
        b"\x85",
    ),
    *(
        b"[",
        b"]",
        b"[[",
        b"{",
        b"}",
        b"#",
        b"[" * 300,
        b"a." * 300,
        b"-1",
        b"nan",
        b"inf",
        b"1e999",
    ),
    *(
        b"9" * 40,
        b"0x" + b"f" * 5_000,
        b"1_0",
        b"2001-01-01",
        b"1979-05-27T07:32:00Z",
        b"x" * 9_000,
    ),
    "\u2028\u202e\u200b".encode(),
]


def pick(rng: np.random.Generator, things: Sequence[Any]) -> Any:  # noqa: ANN401
    """Return one of `things`."""
    return things[rng.integers(len(things))]


def value(rng: np.random.Generator, depth: int = 0) -> Any:  # noqa: ANN401
    """Return anything that a document can hold."""
    roll = rng.random()
    if roll < 0.4:
        return pick(rng, NUMBERS)
    if roll < 0.8:
        return pick(rng, TEXTS)
    if roll < 0.9 or depth > 2:
        return pick(rng, [True, False, [], {}, _nested(int(rng.integers(1, 400)))])
    inner = [value(rng, depth + 1) for _ in range(rng.integers(1, 4))]
    return inner if rng.random() < 0.5 else {str(pick(rng, TEXTS)): one for one in inner}


def _nested(depth: int) -> Any:  # noqa: ANN401
    whole: Any = 1
    for level in range(depth):
        whole = [whole] if level % 2 else {"a": whole}
    return whole


def places(document: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """Return every (container, key) of a document."""
    found, todo = [], [document]
    while todo:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        for key in keys:
            found.append((one, key))
            if isinstance(one[key], dict | list):
                todo.append(one[key])
    return found


def mutated(
    document: dict[str, Any], rng: np.random.Generator, keys: Sequence[str]
) -> dict[str, Any]:
    """Return a document with one to three changes; `keys` are names that mean something."""
    document = copy.deepcopy(document)
    for _ in range(pick(rng, [1, 1, 2, 3])):
        where = places(document)
        if not where:
            break
        container, key = pick(rng, where)
        roll = rng.integers(7)
        if roll <= 1:
            container[key] = value(rng)
        elif roll == 2:  # a value from elsewhere
            other, its = pick(rng, where)
            container[key] = copy.deepcopy(other[its])
        elif roll == 3:
            del container[key]
        elif roll == 4 and isinstance(container, list):
            container += [copy.deepcopy(container[key])] * int(rng.integers(1, 4))
        elif roll == 5 and isinstance(container, dict):  # renamed
            container[pick(rng, [*keys, *TEXTS, str(key)[:-1]])] = container.pop(key)
        elif isinstance(container, dict):
            container[pick(rng, keys)] = value(rng)
    return document


def toml(document: dict[str, Any]) -> bytes:
    """Return a document as TOML: every key on its line, what is nested in it inline."""
    try:
        lines = [f"{json.dumps(key)} = {_inline(one)}\n" for key, one in document.items()]
    except RecursionError:  # a part was moved into itself again and again
        return b"name = " + b"[" * 2_000
    return "".join(lines).encode("utf-8", "surrogatepass")


def _inline(one: Any) -> str:  # noqa: ANN401
    if isinstance(one, dict):
        inner = ", ".join(f"{json.dumps(key)} = {_inline(its)}" for key, its in one.items())
        return "{" + inner + "}"
    if isinstance(one, list):
        return "[" + ", ".join(map(_inline, one)) + "]"
    if isinstance(one, str):
        return json.dumps(one, ensure_ascii=False)
    return str(one).lower() if isinstance(one, bool) else repr(one)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with one to four changes: flipped, cut, repeated, inserted, moved."""
    for _ in range(pick(rng, [1, 1, 2, 4])):
        at, end = sorted(rng.integers(0, len(data) + 1, 2).tolist())
        end = min(end, at + int(rng.integers(1, 60)))
        roll = rng.integers(7)
        if roll == 0 and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
        elif roll == 1:
            data = data[:at] + data[end:]
        elif roll == 2:
            data = data[:at] + data[at:end] * int(rng.integers(2, 20)) + data[end:]
        elif roll in {3, 4}:
            data = data[:at] + pick(rng, TOKENS) + data[at:]
        elif roll == 5 and rng.random() < 0.3:
            data = data[:at]
        else:
            data = data[:at] + bytes(rng.integers(0, 256, end - at, dtype="u1")) + data[end:]
    return data
