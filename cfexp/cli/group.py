"""Commands whose errors of usage say what was given and what could be."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from cfexp.errors import did_you_mean

_PREFIX = "Value error, "  # pydantic's, before words that need none


class Group(TyperGroup):
    """Names the commands that there are, and the value that an option refused."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Click's
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            ctx.fail(
                f"No such command {name!r}; choose from {', '.join(known)}"
                f"{did_you_mean(name, known)}"
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Click's
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if not error.message:  # nothing was given: Typer names what is missing
                raise
            words = _with_value(error)
            raise typer.BadParameter(words, error.ctx, error.param, error.param_hint) from None


def _with_value(error: typer.BadParameter) -> str:
    from pydantic import ValidationError

    words = error.message.removeprefix(_PREFIX)
    if not isinstance(error.__cause__, ValidationError) or words != error.message:
        return words
    given = error.__cause__.errors()[0]["input"]
    return f"{words}, got {str(given)!r}"
