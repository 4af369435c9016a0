"""Positions on the sky: HEALPix index, IAU-style names."""

import numpy as np
from astropy import units as u
from astropy_healpix import lonlat_to_healpix
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
HEALPIX_ORDER = 29


def healpix_nested(ra: FloatArray, dec: FloatArray, *, order: int) -> NDArray[np.int64]:
    """Nested HEALPix index of each position.

    Nested indices of nearby positions are near each other, and those of one coarse pixel form one
    interval, so a table in this order reads a region of the sky from few files.

    Parameters
    ----------
    ra, dec : (n,) float64, deg, ICRS
    order : int
        0..29; pixels have a side of 58.6 deg / 2**order.

    References
    ----------
    Gorski et al. (2005), ApJ 622, 759.
    """
    index = lonlat_to_healpix(ra * u.deg, dec * u.deg, 2**order, order="nested")
    return np.asarray(index, dtype=np.int64)


def iau_names(ra: FloatArray, dec: FloatArray, *, prefix: str) -> list[str]:
    """``{prefix}Jhhmmss.ss+ddmmss.s`` of each position, truncated as the IAU asks.

    Parameters
    ----------
    ra, dec : (n,) float64, deg, ICRS
    """
    # A position that is exact in print may be one part in 1e16 below it in binary.
    ra_csec = np.floor(np.mod(ra, 360.0) / 15.0 * 360_000.0 + 1e-6).astype(np.int64)
    dec_dsec = np.floor(np.abs(dec) * 36_000.0 + 1e-6).astype(np.int64)
    names = []
    for r, d, south in zip(ra_csec.tolist(), dec_dsec.tolist(), (dec < 0).tolist(), strict=True):
        hours = f"{r // 360_000:02d}{r // 6_000 % 60:02d}{r // 100 % 60:02d}.{r % 100:02d}"
        degrees = f"{d // 36_000:02d}{d // 600 % 60:02d}{d // 10 % 60:02d}.{d % 10}"
        names.append(f"{prefix}J{hours}{'-' if south else '+'}{degrees}")
    return names
