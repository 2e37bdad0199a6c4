"""Small files in the layouts that data sets are published in, and what is read of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from cfexp.data.files.places import Places
from cfexp.data.interactions import Interactions
from cfexp.data.public.source import PublicSource
from cfexp.data.sources import AnySource

SOURCE: TypeAdapter[PublicSource] = TypeAdapter(AnySource)


def lay(root: Path, files: dict[str, str], encoding: str = "utf-8") -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(encoding))


def load(root: Path, kind: str, **fields: str) -> Interactions:
    return SOURCE.validate_python({"kind": kind, **fields}).load(Places(root / "study", root))


def pairs(rows: Interactions) -> list[tuple[Any, Any, float]]:
    users, items = rows.users.ids[rows.user], rows.items.ids[rows.item]
    return list(zip(users.tolist(), items.tolist(), rows.value.tolist(), strict=True))


def attribute(rows: Interactions, name: str) -> list[Any]:
    assert rows.attributes is not None
    return list(rows.attributes.columns[name].tolist())


def titled(rows: Interactions) -> dict[Any, str]:
    assert rows.titles is not None
    return dict(zip(rows.items.ids.tolist(), rows.titles.tolist(), strict=True))
