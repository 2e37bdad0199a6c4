"""`AnySplit`: every split that a study file can name in `[split] kind`."""

from __future__ import annotations

from typing import TypeAlias

from cfexp.splits.per_user_last import PerUserLast

AnySplit: TypeAlias = PerUserLast
"""The only one so far; with a second this becomes a union told apart by `kind`."""
