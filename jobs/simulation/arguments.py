"""From the words of the command line to the quadrants to simulate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.toml_tables import parse_toml
from udfs.errors import ContractError


def read_settings(path: str | None) -> Mapping[str, Any]:
    """The tables of a settings file such as conf/simulator.toml; none without a path."""
    if path is None:
        return {}
    if not Path(path).is_file():
        raise ContractError(f"--config {path}: no such file; see conf/simulator.toml")
    return parse_toml(Path(path).read_text(), source=path)


def parse_quadrants(text: str) -> list[tuple[int, int, int]]:
    """(field, ccd, quad) of each item of "250/1/1,250/1/2"."""
    places = []
    for item in text.split(","):
        numbers = item.strip().split("/")
        if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
            raise ContractError(f"--quadrants {item!r}: expected field/ccd/quad, such as 250/1/1")
        field, ccd, quad = map(int, numbers)
        places.append((field, ccd, quad))
    if len(set(places)) < len(places):
        raise ContractError(f"--quadrants {text}: each quadrant may be named once only")
    return places
