"""Reading a study file: every mistake at once, with its path and the valid choices.

Pydantic finds what is wrong with single values; `_rules` finds what is wrong between
them. Both always run, so that one mistake never hides another.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from cfexp.addresses import redacted
from cfexp.errors import Mistake, StudyFileError, did_you_mean
from cfexp.models.any_model import AnyModel
from cfexp.search.spec.document import as_json, read_document
from cfexp.search.spec.goals import objective_mistakes
from cfexp.search.spec.locations import keys_beside, kinds_at, path_of
from cfexp.search.spec.samplers import GP
from cfexp.search.spec.space import AnyRange
from cfexp.search.spec.spec import StudySpec, Tuned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from cfexp.models.model import Model
    from cfexp.search.spec.space import Range

_ADDRESS = "url"  # the key whose value no error repeats
_SHOWN = 80  # characters of a value that an error repeats


def load_study(file: str | Path) -> StudySpec:
    """Read and check a study file (TOML).

    Raises
    ------
    StudyFileError
        Every mistake in the file at once, each with its path in the file, the value
        received and the valid choices.
    InputError
        When there is no such file, or it cannot be read, or is larger than 1 MiB.
    """
    file = Path(file)
    text, document = read_document(file)
    return parse(document, str(file)).read_from(text, file.resolve().parent)


def parse(document: dict[str, Any], name: str = "study") -> StudySpec:
    """Return the study that `document` (a parsed TOML file) describes."""
    mistakes: list[Mistake] = []
    spec = None
    text = as_json(document, name)
    try:
        # Strict JSON: "10" is no number, 64.5 no whole one; lists become tuples.
        spec = StudySpec.model_validate_json(text, strict=True)
    except ValidationError as error:
        mistakes += [_mistake(details) for details in _causes(error.errors())]
    mistakes += _rules(document)
    if mistakes or spec is None:
        raise StudyFileError(name, mistakes)
    return spec


def _causes(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out lists that are too short only because their items are wrong."""
    places = [details["loc"] for details in errors]
    return [
        details
        for details in errors
        if details["type"] != "too_short"
        or not any(place[:-1] == details["loc"] for place in places)
    ]


def _mistake(details: ErrorDetails) -> Mistake:
    location = details["loc"]
    kind, given = details["type"], details["input"]
    if kind == "extra_forbidden":
        choices = keys_beside(location)
        key = str(location[-1])
        return Mistake(
            path_of(location),
            f"unknown key{did_you_mean(key, choices)}; the keys here are "
            f"{', '.join(choices) or 'none'}",
        )
    if kind == "missing":
        return Mistake(path_of(location), "is required")
    if kind == "union_tag_not_found":
        choices = re.findall(r"'(\w+)'", details.get("ctx", {}).get("expected_tags", ""))
        choices = choices or kinds_at(location)
        return Mistake(path_of((*location, "kind")), f"is required: one of {', '.join(choices)}")
    if kind == "union_tag_invalid":
        context = details["ctx"]
        choices = re.findall(r"'(\w+)'", context["expected_tags"])
        tag = str(context["tag"])
        return Mistake(
            path_of((*location, "kind")),
            f"{tag!r} is not one of {', '.join(choices)}{did_you_mean(tag, choices)}",
        )
    message = _said_of(details)
    if kind == "literal_error" and isinstance(given, str):
        choices = re.findall(r"'(\w+)'", details["ctx"]["expected"])
        message += did_you_mean(given, choices)
    received = "" if location[-1:] == (_ADDRESS,) else f" (received {_shown(given)})"
    return Mistake(path_of(location), message + received)


def _said_of(details: ErrorDetails) -> str:
    """Return Pydantic's words, or those of our own check, to go on a sentence with."""
    message = details["msg"].removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _shown(value: object) -> str:
    text = redacted(json.dumps(_said(value), default=str, ensure_ascii=False))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _said(value: object) -> object:
    """Return a value without addresses, whose logins a mistake may hide from `redacted`."""
    if isinstance(value, dict):
        return {key: "***" if key == _ADDRESS else _said(one) for key, one in value.items()}
    return [_said(one) for one in value] if isinstance(value, list | tuple) else value


def _rules(document: dict[str, Any]) -> Iterator[Mistake]:
    """Find mistakes between values; what is malformed is skipped, as Pydantic reports it."""
    for section in ("models", "baselines"):
        yield from _distinct_names(document.get(section), section)
    yield from _automatic_names(document)
    entries = document.get("models")
    search = document.get("search")
    search = search if isinstance(search, dict) else {}
    sampler = search.get("sampler")
    kind = sampler.get("kind") if isinstance(sampler, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield from _space(entry, f"models[{index}]", grid=kind == "grid")
    if kind == "gp" and not GP.available():
        yield Mistake("search.sampler.kind", "'gp' needs torch, which is not installed; use 'tpe'")
    yield from objective_mistakes(document)
    objectives = document.get("objectives")
    pruner = search.get("pruner", {"kind": "median"})
    if (
        isinstance(objectives, list)
        and len(objectives) > 1
        and isinstance(pruner, dict)
        and pruner.get("kind") != "none"
    ):
        yield Mistake(
            "search.pruner", "several objectives cannot be pruned; write pruner = { kind = 'none' }"
        )
    split = document.get("split")
    if (
        entries
        and search.get("trials", 1) != 0
        and isinstance(split, dict)
        and split.get("validation") == 0
        and split.get("kind") != "predefined"  # the data may hold validation rows
    ):
        yield Mistake(
            "split.validation", "0 leaves nothing to search on; [[models]] need 1 or more"
        )
    if not entries and not document.get("baselines"):
        yield Mistake("models", "a study needs at least one [[models]] or [[baselines]]")


def _distinct_names(entries: object, section: str) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, label in enumerate(_labels(entries)):
        if label and label in seen:
            yield Mistake(
                f"{section}[{index}].name", f"{label!r} is taken; give each entry its own name"
            )
        seen.add(label)


def _automatic_names(document: dict[str, Any]) -> Iterator[Mistake]:
    """Keep the names of the automatic baselines, the models' defaults, for themselves."""
    taken = {f"{label} default" for label in _labels(document.get("models"))}
    for index, label in enumerate(_labels(document.get("baselines"))):
        if label in taken:
            yield Mistake(f"baselines[{index}].name", f"{label!r} is the automatic baseline's name")


def _labels(entries: object) -> list[str]:
    """Return what the leaderboard calls each entry; "" for a malformed one."""
    labels = []
    for entry in entries if isinstance(entries, list) else []:
        model = entry.get("model") if isinstance(entry, dict) else None
        label = (entry.get("name") or model.get("kind")) if isinstance(model, dict) else ""
        labels.append(label if isinstance(label, str) else "")
    return labels


def _space(entry: dict[str, Any], path: str, *, grid: bool) -> Iterator[Mistake]:
    try:
        model: Model = TypeAdapter(AnyModel).validate_python(entry.get("model"))
    except ValidationError:
        return
    fields = [name for name in type(model).model_fields if name != "kind"]
    space = entry.get("space", {})
    ranges: dict[str, Range] = {}
    for name, values in space.items() if isinstance(space, dict) else []:
        where = f"{path}.space.{name}"
        if name not in fields:
            yield Mistake(
                where,
                f"{model.kind} has no such field{did_you_mean(name, fields)}; its fields are "
                f"{', '.join(fields) or 'none'}",
            )
            continue
        try:
            ranges[name] = TypeAdapter(AnyRange).validate_json(json.dumps(values), strict=True)
        except ValidationError:
            continue
        if grid and ranges[name].grid() is None:
            yield Mistake(where, "a grid needs 'step', or kind = 'choice' with 'values'")
        yield from _bounds(model, name, ranges[name], where)
    if grid and entry.get("start"):
        yield Mistake(f"{path}.start", "a grid tries every combination; it has no start")
    yield from _start(entry.get("start"), ranges, path)


def _start(start: object, ranges: dict[str, Range], path: str) -> Iterator[Mistake]:
    for index, values in enumerate(start if isinstance(start, list) else []):
        for name, value in values.items() if isinstance(values, dict) else []:
            where = f"{path}.start[{index}].{name}"
            if name not in ranges:
                yield Mistake(
                    where, f"is not searched{did_you_mean(name, ranges)}; add it to the space"
                )
            elif not ranges[name].contains(value):
                yield Mistake(where, f"{_shown(value)} lies outside the range of the space")


def _bounds(model: Model, name: str, values: Range, where: str) -> Iterator[Mistake]:
    """Refuse a range that the model itself would refuse at some trial."""
    for value in values.extremes():
        try:
            Tuned(model=model).configured({name: value})
        except ValidationError as error:
            words = f"{_shown(value)} is not valid for {model.kind}'s {name}"
            yield Mistake(where, f"{words}: {_said_of(error.errors()[0])}")
