"""A simulated quadrant like those of ZTF: shared exposures, real errors, known truth."""

from udfs.simulator.cadence import Exposures, exposures
from udfs.simulator.quadrant import simulate_stars
from udfs.simulator.spec import QuadrantSpec, with_settings
from udfs.simulator.tables import LIGHT_CURVE_SCHEMA, TRUTH_SCHEMA, SimulatedStars

__all__ = [
    "LIGHT_CURVE_SCHEMA",
    "TRUTH_SCHEMA",
    "Exposures",
    "QuadrantSpec",
    "SimulatedStars",
    "exposures",
    "simulate_stars",
    "with_settings",
]
