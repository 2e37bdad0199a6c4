"""Whether a stored study is the one in the file, and what differs if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cfexp.errors import StudyConflictError

if TYPE_CHECKING:
    from cfexp.search.spec.spec import StudySpec


def refuse_other(spec: StudySpec, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Raise a StudyConflictError when the stored study `old` is not the study `new`.

    Both hold the `science` hash, the data's `fingerprint`, that of the split's `rows` and
    the `version` of cfexp; `old` its `spec` too. The `features` are a hash, None where nothing
    looked at item features yet. Versions may differ in the keys of study
    files: one that is new since has its default in the stored study.
    """
    version = old.get("version")
    stored_by = f"cfexp {version}" if version else "an earlier cfexp"
    if old["science"] != new["science"]:
        try:
            before = type(spec).model_validate(old["spec"]).science
        except ValidationError:
            raise StudyConflictError(
                f"study {spec.name!r} is stored by {stored_by} with settings that cfexp "
                f"{new['version']} does not have; give it a new name, or go on with {stored_by}"
            ) from None
        if changes := differences(before, spec.science):
            lines = "\n".join(f"  {line}" for line in changes)
            raise StudyConflictError(
                f"study {spec.name!r} is stored with other settings:\n{lines}\n"
                "give the changed study its own name"
            )
    # settings are part of the fingerprint, also those that are new; of the rows they are not
    if old["fingerprint"] != new["fingerprint"] and old.get("rows") != new["rows"]:
        origin = "" if version == new["version"] else f", by {stored_by}"
        raise StudyConflictError(
            f"study {spec.name!r} was made on other data or another split{origin} "
            f"(fingerprint {old['fingerprint']}, now {new['fingerprint']}); "
            "give the study on the new data its own name"
        )
    if old.get("grouped_by") != new.get("grouped_by"):
        raise StudyConflictError(
            f"study {spec.name!r} was made with other user attributes, on which its objective "
            "depends; give the study with the new ones its own name"
        )
    if (
        None not in {old.get("features"), new.get("features")}
        and old["features"] != new["features"]
    ):
        raise StudyConflictError(
            f"study {spec.name!r} was made with other item features, on which what it ran of "
            f"{' and '.join(spec.needing_features)} depends; put the former ones back, or give the "
            "study with the new ones its own name"
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
