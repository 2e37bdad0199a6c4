"""`Recipe`: the base of everything that a study file can hold.

A recipe is a frozen record of typed fields. Each field is written once, with its
type, default, bounds and one line of meaning (the string below it, which becomes
its `description`); the study file, the command line's help, the documentation and
MLflow's parameters are all derived from it.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Recipe(BaseModel):
    """A frozen, validated record; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=True,
        ser_json_inf_nan="constants",
    )
