"""Where in a study file a mistake is, and what could stand there instead.

Pydantic's locations carry the tags of unions and nothing of the file; the records of the
study file say which parts are which.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from cfexp.search.spec.spec import StudySpec


def path_of(location: tuple[int | str, ...]) -> str:
    """Return a location as people write it, such as `models[0].space.alpha`.

    The tags that Pydantic adds for unions are left out.
    """
    path, annotation = "", StudySpec
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        step = _step(annotation, part)
        if step is _TAG:
            annotation = _tagged(annotation, part)
            continue
        annotation = step
        path += f".{part}" if path else str(part)
    return path


_TAG = object()


def records_of(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - a type annotation
    """Return the record types that an annotation can stand for."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [option for part in get_args(annotation) for option in records_of(part)]


def kind_of(option: type[BaseModel]) -> str | None:
    """Return the `kind` that a record type has in a file, where it has one."""
    field = option.model_fields.get("kind")
    return None if field is None else str(field.default)


def _step(annotation: Any, part: str) -> Any:  # noqa: ANN401
    options = records_of(annotation)
    for option in options:
        if part in option.model_fields:
            return option.model_fields[part].annotation
    return _TAG if any(kind_of(option) == part for option in options) else annotation


def _tagged(annotation: Any, tag: str) -> Any:  # noqa: ANN401
    return next(option for option in records_of(annotation) if kind_of(option) == tag)


def _record_at(location: tuple[int | str, ...]) -> Any:  # noqa: ANN401
    annotation: Any = StudySpec
    for part in location:
        if isinstance(part, str):
            step = _step(annotation, part)
            annotation = _tagged(annotation, part) if step is _TAG else step
    return annotation


def keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the record around `location` has."""
    options = records_of(_record_at(location[:-1]))
    return list(dict.fromkeys(key for option in options for key in option.model_fields))


def kinds_at(location: tuple[int | str, ...]) -> list[str]:
    """Return the kinds of record that may stand at `location`."""
    return [kind for option in records_of(_record_at(location)) if (kind := kind_of(option))]
