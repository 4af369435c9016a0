"""Light of two spheres that eclipse each other, with limb darkening and tidal distortion."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_N_DISCS = 6
# Linear limb darkening of solar-type stars in g, r, i; gravity darkening of convective ones.
_LIMB_DARKENING = (0.75, 0.62, 0.52)
_GRAVITY_DARKENING = 0.32
_WAVELENGTH_MICRON = (0.477, 0.640, 0.790)
_HC_OVER_K = 14387.77


@dataclass(frozen=True)
class Binary:
    """Two stars on a circular orbit; lengths in units of their distance.

    Attributes
    ----------
    radius : radii of star 1 (eclipsed at phase 0) and star 2
    temperature_k : their effective temperatures [K]
    mass_ratio : mass of star 2 over mass of star 1
    cos_inclination : 0 is edge-on
    """

    radius: tuple[float, float]
    temperature_k: tuple[float, float]
    mass_ratio: float
    cos_inclination: float


def binary_delta_mag(
    binary: Binary, cycles: FloatArray, filter_id: NDArray[np.int64]
) -> FloatArray:
    """Magnitude against that out of eclipse, shape of ``cycles``.

    Eclipses follow from the overlap of two discs; the out-of-eclipse wave is the
    ``cos 2 phi`` term of Morris (1985), ApJ 295, 143, eq. 1.
    """
    angle = 2.0 * np.pi * cycles
    sin2_inclination = 1.0 - binary.cos_inclination**2
    separation = np.sqrt(1.0 - sin2_inclination * np.cos(angle) ** 2)
    r1, r2 = binary.radius
    light = _shares_of_light(binary)
    wave = sin2_inclination * np.cos(2.0 * angle)
    touching = separation < r1 + r2
    star1_behind = np.cos(angle) > 0.0
    total = np.zeros_like(cycles)
    for own, front, in_eclipse, star, q in (
        (r1, r2, touching & star1_behind, 0, binary.mass_ratio),
        (r2, r1, touching & ~star1_behind, 1, 1.0 / binary.mass_ratio),
    ):
        visible = np.ones_like(cycles)
        visible[in_eclipse] -= _hidden_share(
            separation[in_eclipse], own, front, filter_id[in_eclipse]
        )
        tide = (_tidal_coefficients() * min(q * own**3, 0.12))[filter_id]
        total += light[star][filter_id] * visible * (1.0 - tide * wave)
    return np.asarray(-2.5 * np.log10(total))


def roche_radius(mass_ratio: float) -> float:
    """Radius of a star's Roche lobe over the orbit.

    ``mass_ratio`` is the mass of the star over that of its companion.

    Eggleton (1983), ApJ 268, 368, eq. 2.
    """
    cube = mass_ratio ** (1.0 / 3.0)
    return float(0.49 * cube**2 / (0.6 * cube**2 + np.log1p(cube)))


def overlap_area(distance: FloatArray, r_a: float, r_b: FloatArray | float) -> FloatArray:
    """Area shared by two circles; arguments broadcast."""
    d = np.maximum(distance, 1e-9)
    cos_a = np.clip((d**2 + r_a**2 - r_b**2) / (2.0 * d * r_a), -1.0, 1.0)
    cos_b = np.clip((d**2 + r_b**2 - r_a**2) / (2.0 * d * r_b), -1.0, 1.0)
    kite = np.clip((r_a + r_b) ** 2 - d**2, 0.0, None) * np.clip(d**2 - (r_a - r_b) ** 2, 0.0, None)
    return np.asarray(r_a**2 * np.arccos(cos_a) + r_b**2 * np.arccos(cos_b) - 0.5 * np.sqrt(kite))


def _hidden_share(
    separation: FloatArray, own: float, front: float, filter_id: NDArray[np.int64]
) -> FloatArray:
    """Share of a limb-darkened star's light behind a disc of radius ``front``."""
    edges, weights = _discs()
    areas = overlap_area(separation[None, :], front, own * edges[:, None])
    return np.asarray((weights[:, filter_id] * areas).sum(axis=0) / (np.pi * own**2))


@cache
def _discs() -> tuple[FloatArray, FloatArray]:
    """A limb-darkened disc as a stack of uniform ones: radii and weights (disc, filter id).

    The weights times the squared radii add up to 1 in each filter.
    """
    edges = np.sqrt(np.arange(1, _N_DISCS + 1) / _N_DISCS)
    middle = np.sqrt((np.arange(_N_DISCS) + 0.5) / _N_DISCS)
    weights = np.zeros((_N_DISCS, 4))
    for band, u in enumerate(_LIMB_DARKENING, start=1):
        brightness = 1.0 - u * (1.0 - np.sqrt(1.0 - middle**2))
        steps = brightness - np.append(brightness[1:], 0.0)
        weights[:, band] = steps / (steps * edges**2).sum()
    return edges, weights


@cache
def _tidal_coefficients() -> FloatArray:
    """Amplitude of the wave over q r**3 sin(i)**2, indexed by filter id."""
    u = np.array([0.0, *_LIMB_DARKENING])
    return np.asarray(0.15 * (15.0 + u) * (1.0 + _GRAVITY_DARKENING) / (3.0 - u))


def _shares_of_light(binary: Binary) -> tuple[FloatArray, FloatArray]:
    """Share of each star in the light of the pair, indexed by filter id; black bodies."""
    wavelength = np.array([1.0, *_WAVELENGTH_MICRON])
    t1, t2 = binary.temperature_k
    r1, r2 = binary.radius
    surface_ratio = np.expm1(_HC_OVER_K / (wavelength * t1)) / np.expm1(
        _HC_OVER_K / (wavelength * t2)
    )
    second = surface_ratio * (r2 / r1) ** 2
    return np.asarray(1.0 / (1.0 + second)), np.asarray(second / (1.0 + second))
