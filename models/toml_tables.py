"""Reading TOML data strictly: a typo in a key is an error that names the likely key."""

import difflib
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from udfs.errors import ContractError


def parse_toml(text: str, *, source: str) -> dict[str, Any]:
    """The tables of a TOML text; ContractError with the line if it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{source}: not valid TOML: {error}") from error


def check_keys(
    table: Mapping[str, Any], *, required: Collection[str], optional: Collection[str], where: str
) -> None:
    """Raise ContractError for a key that is unknown or missing; ``where`` names the table."""
    known = [*required, *optional]
    for key in table:
        if key not in known:
            raise ContractError(f"{where}: unknown key {key!r}{suggestion(key, known)}")
    for key in required:
        if key not in table:
            raise ContractError(f"{where}: key {key!r} is missing")


def suggestion(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the known word nearest to ``word``, else the known words."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(sorted(known))}"
