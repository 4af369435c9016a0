"""What to simulate: one frozen record per topic, with defaults that resemble ZTF."""

import dataclasses
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from udfs.errors import ContractError
from udfs.simulator.templates import CLASSES

FILTER_IDS = {"g": 1, "r": 2, "i": 3}
MAX_STARS = 100_000_000


@dataclass(frozen=True)
class BandCadence:
    """How often one filter is used, and how deep it goes.

    Attributes
    ----------
    revisit_nights : nights after which the scheduler wants the field again
    due_probability : chance of a visit on a usable night once that time is over
    early_probability : the same before it is over
    repeat_probability : chance of one more visit in the same night, each time
    season_probability : chance that the filter is used at all in a season
    dense_nights_per_year : nights on which the field is watched without a break
    dark_limit_mag : 5 sigma depth of one exposure, no moon, near the zenith [mag]
    moon_loss_mag : depth lost at full moon [mag]
    colour_coefficient : typical colour term of the calibration
    """

    revisit_nights: int
    due_probability: float
    early_probability: float
    repeat_probability: float
    season_probability: float
    dense_nights_per_year: float
    dark_limit_mag: float
    moon_loss_mag: float
    colour_coefficient: float


@dataclass(frozen=True)
class Site:
    """The telescope and the weather above it (Palomar, the 48-inch Schmidt)."""

    latitude_deg: float = 33.358
    longitude_deg: float = -116.860
    max_airmass: float = 2.5
    sun_altitude_deg: float = -14.0
    min_window_hours: float = 0.75
    clear_run_nights: float = 6.5
    closed_run_nights: float = 2.7
    winter_factor: float = 1.6
    moon_distance_deg: float = 22.0
    exposure_s: float = 30.0
    overhead_s: float = 9.0


@dataclass(frozen=True)
class Photometry:
    """Noise, losses and flags of the measurements."""

    floor_mag: float = 0.012
    star_noise_share: float = 0.1
    depth_to_noise: float = 0.5
    detection_offset_mag: float = 0.4
    detection_width_mag: float = 0.2
    saturation_mag: float = 12.0
    random_loss: float = 0.005
    flagged_share: float = 0.003
    outlier_share: float = 0.001


@dataclass(frozen=True)
class Population:
    """Magnitudes of the stars: counts grow as 10**(slope * r) between two limits."""

    bright_mag: float = 13.0
    faint_mag: float = 20.5
    slope: float = 0.15


_BANDS = {
    "g": BandCadence(2, 0.50, 0.16, 0.08, 1.0, 0.05, 21.60, 1.25, -0.056),
    "r": BandCadence(2, 0.53, 0.18, 0.28, 1.0, 0.40, 21.30, 0.85, 0.093),
    "i": BandCadence(3, 0.45, 0.10, 0.18, 0.6, 0.0, 20.95, 0.45, 0.188),
}
_CLASS_MIX = {
    "constant": 0.40, "rrab": 0.06, "rrc": 0.04, "rrd": 0.02, "cepheid_f": 0.04,
    "cepheid_o": 0.03, "dscu": 0.05, "ea": 0.06, "eb": 0.04, "ew": 0.06, "mira": 0.03,
    "srv": 0.03, "osarg": 0.02, "cv": 0.03, "agn": 0.05, "flare": 0.02, "rscvn": 0.02,
}  # fmt: skip


@dataclass(frozen=True)
class QuadrantSpec:
    """One simulated quadrant; equal specs give equal light curves.

    Attributes
    ----------
    field, ccd, quad : place on the sky and in the camera (ccd 1..16, quad 1..4)
    n_stars : stars; each has one light curve per filter in which it is detected
    seed : everything random follows from it; exposures depend on seed and field only
    start_mjd, years : first night [MJD, UTC] and length of the survey
    bands : filters among "g", "r", "i"
    class_mix : share of each class; normalised, so the values need not add up to 1
    cadence : settings of each filter
    centre_deg : (ra, dec) of the field centre where it is not one of the ZTF primary grid
    """

    field: int
    ccd: int = 1
    quad: int = 1
    n_stars: int = 1000
    seed: int = 0
    start_mjd: float = 58197.0
    years: float = 5.0
    bands: tuple[str, ...] = ("g", "r", "i")
    class_mix: Mapping[str, float] = dataclasses.field(default_factory=lambda: dict(_CLASS_MIX))
    cadence: Mapping[str, BandCadence] = dataclasses.field(default_factory=lambda: dict(_BANDS))
    site: Site = Site()
    photometry: Photometry = Photometry()
    population: Population = Population()
    centre_deg: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check_range("ccd", self.ccd, 1, 16)
        _check_range("quad", self.quad, 1, 4)
        _check_range("field", self.field, 1, 32767)
        # The last eight digits of objectid number the star.
        _check_range("n_stars", self.n_stars, 0, MAX_STARS)
        _check_range("seed", self.seed, 0, 2**63 - 1)
        if not 0 < self.years <= 100:
            raise ContractError(f"years={self.years}: expected more than 0, at most 100")
        unknown = sorted(set(self.class_mix) - set(CLASSES))
        if unknown:
            raise ContractError(f"class_mix: unknown {unknown}; known: {sorted(CLASSES)}")
        if min(self.class_mix.values(), default=0.0) < 0 or not any(self.class_mix.values()):
            raise ContractError("class_mix: expected shares of 0 or more, at least one above 0")
        for band in self.bands:
            if band not in self.cadence:
                raise ContractError(f"band {band!r} has no cadence; known: {sorted(self.cadence)}")

    @property
    def rcid(self) -> int:
        """Readout channel, 0..63, as in the ZTF data releases."""
        return (self.ccd - 1) * 4 + self.quad - 1


def with_settings(spec: QuadrantSpec, settings: Mapping[str, Any]) -> QuadrantSpec:
    """The spec with the tables of ``conf/simulator.toml`` laid over it.

    Known tables: class_mix (replaces the whole mix), site, photometry, population and
    cadence.<band>. Only the keys that are given change.

    Raises
    ------
    ContractError
        For a table or key that does not exist.
    """
    changes: dict[str, Any] = {}
    for name, table in settings.items():
        if name == "class_mix":
            changes[name] = {key: float(value) for key, value in table.items()}
        elif name in ("site", "photometry", "population"):
            changes[name] = _overlay(getattr(spec, name), table, where=name)
        elif name == "cadence":
            changes[name] = dict(spec.cadence) | {
                band: _overlay(_known_band(spec, band), keys, where=f"cadence.{band}")
                for band, keys in table.items()
            }
        else:
            raise ContractError(f"simulator settings: unknown table [{name}]")
    return replace(spec, **changes)


def settings_of(spec: QuadrantSpec) -> dict[str, Any]:
    """The inverse of :func:`with_settings`: the tables that describe this spec."""
    return {
        "class_mix": dict(spec.class_mix),
        "site": asdict(spec.site),
        "photometry": asdict(spec.photometry),
        "population": asdict(spec.population),
        "cadence": {band: asdict(cadence) for band, cadence in spec.cadence.items()},
    }


def _known_band(spec: QuadrantSpec, band: str) -> BandCadence:
    if band not in spec.cadence:
        raise ContractError(f"simulator settings [cadence.{band}]: expected one of g, r, i")
    return spec.cadence[band]


def _overlay(record: Any, table: Mapping[str, Any], *, where: str) -> Any:
    known = {f.name for f in fields(record)}
    for key in table:
        if key not in known:
            raise ContractError(
                f"simulator settings [{where}]: unknown key {key!r}; known: {sorted(known)}"
            )
    return replace(record, **table)


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ContractError(f"{name}={value}: expected {low}..{high}")
