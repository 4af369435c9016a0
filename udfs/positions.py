"""Positions on the sky: HEALPix index, IAU-style names."""

import numpy as np
from astropy import units as u
from astropy_healpix import lonlat_to_healpix, neighbours
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
HEALPIX_ORDER = 29
# Folders of tables that are looked up by position: 3.7 deg, half the width of a ZTF field.
FOLDER_ORDER = 4


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


def cells_around(ra: FloatArray, dec: FloatArray, *, order: int) -> NDArray[np.int64]:
    """Nested HEALPix cells in which a neighbour of each position can lie: its own, and all around.

    Whatever is nearer than half the side of a cell is in one of them: cells are rhombs, and the
    narrowest are still more than half as wide as their side.

    Parameters
    ----------
    ra, dec : (n,) float64, deg, ICRS
        Any right ascension: 360 is 0.
    order : int
        0..29; cells have a side of 58.6 deg / 2**order: 3.2 arcsec at 16.

    Returns
    -------
    (n, 9) int64, the own cell first; -1 where three cells meet and there is no eighth neighbour.
    """
    own = healpix_nested(ra, dec, order=order)
    # astropy_healpix warns when it says that there is no such neighbour.
    with np.errstate(invalid="ignore"):
        around = neighbours(own, 2**order, order="nested")
    return np.column_stack([own, *around]).astype(np.int64)


def separation_arcsec(
    ra: FloatArray, dec: FloatArray, *, other_ra: FloatArray, other_dec: FloatArray
) -> FloatArray:
    """Great-circle distance of each pair of positions, (n,) float64, arcsec.

    By the haversine formula, which keeps its digits at small distances.

    Parameters
    ----------
    ra, dec, other_ra, other_dec : (n,) float64, deg
    """
    lon, lat, other_lon, other_lat = np.radians([ra, dec, other_ra, other_dec])
    haversine = (
        np.sin((other_lat - lat) / 2) ** 2
        + np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    )
    distance: FloatArray = np.degrees(2 * np.arcsin(np.sqrt(np.minimum(haversine, 1.0)))) * 3600
    return distance


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
