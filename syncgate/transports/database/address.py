"""Where a target's database is: an address without a password."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, StrictStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

Engine = Literal["sqlite", "postgresql", "mysql"]
"""How a database is spoken to; MariaDB speaks as MySQL does."""

_ENGINES: Final[dict[str, Engine]] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_SOCKETS: Final = {"sqlite": frozenset[str](), "postgresql": frozenset({"host"}), "mysql": frozenset({"unix_socket"})}


def check_address(text: str) -> str:
    """The address as it is.

    Raises:
        ValueError: it is no database's address, or holds a password or more than engine, user, host, port, name
            and the folder or file of a local socket.
    """
    parse_address(text)
    return text


def parse_address(text: str) -> tuple[Engine, URL]:
    """The engine, and the address in SQLAlchemy's terms; raises as `check_address`."""
    try:
        url = make_url(text)
        engine = _ENGINES.get(url.drivername)
        is_plain = (
            engine is not None
            and url.password is None
            and bool(url.database)
            and set(url.query) <= _SOCKETS[engine]
            and all(isinstance(value, str) for value in url.query.values())
            and (engine != "sqlite" or (url.host is None and url.username is None))
        )
    except (ArgumentError, ValueError):
        engine, is_plain = None, False
    if not is_plain or engine is None:
        # The text itself is not repeated: it may hold a password.
        example = "mysql://user@host:3306/name (or mariadb, postgresql, sqlite) without a password"
        raise ValueError(f"expected an address such as {example}, got something else")
    return engine, url


Address = Annotated[StrictStr, AfterValidator(check_address)]
