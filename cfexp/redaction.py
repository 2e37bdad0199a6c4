"""What is secret in an address never reaches a log, a store, a run or a report."""

from __future__ import annotations

import re

# A login ends at the last @: a password may hold @ and / though it should not.
_LOGIN = re.compile(r"""(?<!sqlite)(?<!file)://[^\s'"]*@""")
_SECRET = re.compile(
    r"""([\w.-]*(?:pass|pwd|token|secret|api_?key|credential|signature|odbc_connect)[\w.-]*=)"""
    r"""['"]?[^&;\s'"]+""",
    re.IGNORECASE,
)


def redacted(message: object) -> str:
    """Return a message whose addresses have lost logins and secret settings.

    >>> redacted("cannot reach postgresql://ann:secret@host/db?sslpassword=x")
    'cannot reach postgresql://***@host/db?sslpassword=***'
    """
    return _SECRET.sub(r"\1***", _LOGIN.sub("://***@", str(message)))
