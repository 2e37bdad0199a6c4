"""Whether a stored study is the one in the file, and what differs if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfexp.errors import StudyConflictError

if TYPE_CHECKING:
    from cfexp.search.spec import StudySpec


def refuse_other(spec: StudySpec, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Raise a StudyConflictError when the stored study `old` is not the study `new`.

    Both hold the `science` hash and the data's `fingerprint`; `old` its `spec` too.
    """
    if old["science"] != new["science"]:
        before = type(spec).model_validate(old["spec"]).science
        changes = "\n".join(f"  {line}" for line in differences(before, spec.science))
        raise StudyConflictError(
            f"study {spec.name!r} is stored with other settings:\n{changes}\n"
            "give the changed study its own name"
        )
    if old["fingerprint"] != new["fingerprint"]:
        raise StudyConflictError(
            f"study {spec.name!r} was made on other data or another split "
            f"(fingerprint {old['fingerprint']}, now {new['fingerprint']}); "
            "give the study on the new data its own name"
        )
    if old.get("grouped_by") != new.get("grouped_by"):
        raise StudyConflictError(
            f"study {spec.name!r} was made with other user attributes, on which its objective "
            "depends; give the study with the new ones its own name"
        )


def differences(old: Any, new: Any, path: str = "") -> list[str]:  # noqa: ANN401
    """Return one line for every value that differs between two nested records."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        lines = [
            differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
            for key in keys
        ]
        return [line for part in lines for line in part]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        lines = [
            differences(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(old, new, strict=True))
        ]
        return [line for part in lines for line in part]
    return [] if old == new else [f"{path}: stored {old!r}, now {new!r}"]
