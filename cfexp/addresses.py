"""Addresses of servers and databases: shown without what is secret in them."""

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


def is_masked(address: str) -> bool:
    """Return whether `redacted` took something out of an address."""
    return "://***@" in address or "=***" in address


def ambiguity(address: str) -> str | None:
    """Return what is wrong with the login in an address, or None.

    >>> ambiguity("postgresql://ann:a/b@host/db")
    "before the last '@' of the address stands '/'; percent-encode it: '/' is %2F, '@' is %40"
    """
    login = address.partition("://")[2].rpartition("@")[0]
    wrong = re.search(r"""[/?#@\s'"]""", login)
    if wrong is None:
        return None
    return (
        f"before the last '@' of the address stands {wrong[0]!r}; "
        f"percent-encode it: '/' is %2F, '@' is %40"
    )
