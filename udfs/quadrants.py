"""ZTF's readout channels: rcid 0..63 <-> CCD 1..16 and quadrant 1..4."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ccd_quad_from_rcid(rcid: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """CCD ``rcid // 4 + 1`` and quadrant ``rcid % 4 + 1`` of each readout channel.

    Raises
    ------
    ValueError
        If a value lies outside 0..63.
    """
    channel = np.asarray(rcid, dtype=np.int64)
    outside = (channel < 0) | (channel > 63)
    if outside.any():
        raise ValueError(f"rcid={channel[outside][0]}, expected 0..63")
    return (channel // 4 + 1).astype(np.int8), (channel % 4 + 1).astype(np.int8)


def rcid_from_ccd_quad(
    ccd: NDArray[np.integer[Any]], quad: NDArray[np.integer[Any]]
) -> NDArray[np.int16]:
    """Readout channel ``4 (ccd - 1) + quad - 1``: the inverse of ``ccd_quad_from_rcid``.

    Raises
    ------
    ValueError
        If a CCD lies outside 1..16 or a quadrant outside 1..4.
    """
    ccds = np.asarray(ccd, dtype=np.int64)
    quads = np.asarray(quad, dtype=np.int64)
    outside = (ccds < 1) | (ccds > 16) | (quads < 1) | (quads > 4)
    if outside.any():
        raise ValueError(
            f"ccd={ccds[outside][0]}, quad={quads[outside][0]}; expected 1..16 and 1..4"
        )
    return (4 * (ccds - 1) + quads - 1).astype(np.int16)
