"""Where a quadrant lies on the sky, and the numbers of its stars."""

import numpy as np
from numpy.typing import NDArray

from udfs.errors import ContractError
from udfs.simulator.spec import QuadrantSpec

# Primary grid of ZTF in rows of equal declination: dec [deg], first field number, right
# ascension of that field and spacing [deg]. Straight lines through the published centres;
# they hold to 1.7 deg, since the real grid avoids bright stars here and there.
_GRID = (
    (-89.05, 1, 0.0, 90.0), (-81.85, 5, 16.3636, 32.7273), (-74.65, 16, 10.5882, 21.1765),
    (-67.45, 33, 7.8261, 15.6522), (-60.25, 56, 6.2069, 12.4138), (-53.05, 85, 0.0, 10.5882),
    (-45.85, 119, 0.0, 9.4737), (-38.65, 157, 2.8814, 8.6103), (-31.45, 199, -0.2062, 7.858),
    (-24.25, 245, 1.6706, 7.3286), (-17.05, 294, 1.8866, 7.0498), (-9.85, 345, 5.0986, 7.0625),
    (-2.65, 396, 1.3839, 7.0699), (4.55, 447, 6.1319, 6.8914), (11.75, 499, 1.3301, 7.0902),
    (18.95, 550, 1.6024, 7.179), (26.15, 600, 1.1923, 7.4918), (33.35, 648, 0.2219, 7.8389),
    (40.55, 694, 3.0424, 8.5992), (47.75, 736, 3.401, 9.643), (54.95, 773, 5.4859, 10.9697),
    (62.15, 806, 6.6667, 13.3333), (69.35, 833, 8.5714, 17.1429), (76.55, 854, 12.0, 24.0),
)  # fmt: skip
_LAST_FIELD = 868
# Distances between the centres of neighbouring CCDs (gaps included), side of a quadrant [deg].
_CCD_PITCH_EAST, _CCD_PITCH_NORTH, _QUAD_SIDE = 1.87, 1.936, 0.8656
_QUAD_EAST = {1: 0.5, 2: -0.5, 3: -0.5, 4: 0.5}
_QUAD_NORTH = {1: 0.5, 2: 0.5, 3: -0.5, 4: -0.5}


def field_centre(spec: QuadrantSpec) -> tuple[float, float]:
    """Right ascension and declination of the field centre [deg].

    Raises
    ------
    ContractError
        For a field outside the primary grid (1..868) without ``centre_deg``.
    """
    if spec.centre_deg is not None:
        return spec.centre_deg
    if spec.field > _LAST_FIELD:
        raise ContractError(
            f"field={spec.field}: the primary grid has fields 1..{_LAST_FIELD}; "
            "give centre_deg=(ra, dec) for others"
        )
    dec, first, ra_first, spacing = max(
        (row for row in _GRID if row[1] <= spec.field), key=lambda row: row[1]
    )
    return (ra_first + (spec.field - first) * spacing) % 360.0, dec


def quadrant_centre(spec: QuadrantSpec) -> tuple[float, float]:
    """Right ascension and declination of the quadrant centre [deg]."""
    return _sky_at(spec, 0.0, 0.0)


def random_position(spec: QuadrantSpec, rng: np.random.Generator) -> tuple[float, float]:
    """A position in the quadrant [deg], rounded to float32 as in the bulk files."""
    east, north = rng.uniform(-0.5, 0.5, size=2) * _QUAD_SIDE
    ra, dec = _sky_at(spec, float(east), float(north))
    return float(np.float32(ra)), float(np.float32(dec))


def unit_vector(ra_deg: float, dec_deg: float) -> NDArray[np.float64]:
    """Equatorial unit vector, shape (3,)."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def source_number(spec: QuadrantSpec, filter_id: int, star: int) -> int:
    """ZTF objectid: field, filter, two digits of ccd, quad, eight digits of the star."""
    return (
        spec.field * 10**12
        + filter_id * 10**11
        + spec.ccd * 10**9
        + spec.quad * 10**8
        + star
    )  # fmt: skip


def _sky_at(spec: QuadrantSpec, east_deg: float, north_deg: float) -> tuple[float, float]:
    """Tangent-plane offsets from the quadrant centre to the sky [deg]."""
    row, column = divmod(spec.ccd - 1, 4)
    xi = (1.5 - column) * _CCD_PITCH_EAST + _QUAD_EAST[spec.quad] * _QUAD_SIDE + east_deg
    eta = (row - 1.5) * _CCD_PITCH_NORTH + _QUAD_NORTH[spec.quad] * _QUAD_SIDE + north_deg
    ra0, dec0 = np.radians(field_centre(spec))
    xi, eta = np.radians(xi), np.radians(eta)
    across = np.cos(dec0) - eta * np.sin(dec0)
    ra = ra0 + np.arctan2(xi, across)
    dec = np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, across))
    return float(np.degrees(ra) % 360.0), float(np.degrees(dec))
