"""The schemas of framed messages: a folder of files, each named by its number in the registry."""

import re
from pathlib import Path

from udfs.alerts.reasons import BadAlert
from udfs.alerts.schema_program import program_of
from udfs.alerts.ztf import FIELDS
from udfs.errors import ContractError

# Without leading zeros: 7.avsc and 007.avsc would be one number.
_NAME = re.compile(r"(0|[1-9][0-9]{0,9})\.avsc")
# A frame has four bytes for it.
_LARGEST = 2**32 - 1


def read_schemas(folder: Path) -> dict[int, bytes]:
    """Number -> text of the schema, of all files ``<number>.avsc`` in a folder.

    Each file is one whole schema, as a registry gives it out: records that it names are described
    within.

    Raises
    ------
    ContractError
        If there is no such folder, it is empty, something else is in it, or a file is no schema.
    """
    if not folder.is_dir():
        raise ContractError(f"no schemas: {folder} is not a folder")
    schemas = {_number(path): _checked(path) for path in sorted(folder.iterdir())}
    if not schemas:
        raise ContractError(f"no schemas: {folder} is empty; expected files such as 7.avsc")
    return schemas


def _number(path: Path) -> int:
    name = _NAME.fullmatch(path.name)
    if not name or not path.is_file() or int(name[1]) > _LARGEST:
        raise ContractError(
            f"{path}: expected only files named by the number of a schema, 0 to {_LARGEST}, such "
            "as 7.avsc"
        )
    return int(name[1])


def _checked(path: Path) -> bytes:
    text = path.read_bytes()
    try:
        program_of(text, FIELDS)
    except BadAlert as problem:
        raise ContractError(f"{path}: no schema of alerts: {problem.value}") from problem
    return text
