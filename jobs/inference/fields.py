"""The fields that a user names."""

from udfs.errors import ContractError


def field_numbers(joined: str | None) -> list[int]:
    """Field numbers joined by commas, each once; none for ``None``."""
    if joined is None:
        return []
    numbers = []
    for text in joined.split(","):
        if not text.strip().isdigit():
            raise ContractError(f"--fields {joined}: {text.strip()!r} is no field number")
        numbers.append(int(text))
    return list(dict.fromkeys(numbers))
