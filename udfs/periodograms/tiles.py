"""Sources in tiles: as many as a kernel keeps in registers together."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

TILE = 64
Float32Array = npt.NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)


def in_tiles(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Columns in tiles of neighbours: (rows, n) becomes (tiles, rows, TILE), 0 beyond n."""
    rows, n = values.shape
    tiles = -(-n // TILE)
    padded = np.zeros((rows, tiles * TILE), values.dtype)
    padded[:, :n] = values
    return np.ascontiguousarray(padded.reshape(rows, tiles, TILE).transpose(1, 0, 2))
