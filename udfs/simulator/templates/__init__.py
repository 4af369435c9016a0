"""The classes of the simulator: what varies, how, and how red the star is."""

from collections.abc import Mapping
from dataclasses import dataclass

from udfs.simulator.templates import binaries, giants, irregular, pulsators
from udfs.simulator.templates.base import Epochs, Template, Variation

__all__ = ["CLASSES", "Epochs", "StarClass", "Template", "Variation"]


@dataclass(frozen=True)
class StarClass:
    """A template with the colours of its stars.

    Attributes
    ----------
    template : makes the light curve
    g_minus_r, r_minus_i : mean colours [mag]
    colour_scatter : standard deviation of g - r [mag]; r - i scatters half as much
    """

    template: Template
    g_minus_r: float
    r_minus_i: float
    colour_scatter: float


CLASSES: Mapping[str, StarClass] = {
    "constant": StarClass(irregular.constant, 0.75, 0.3, 0.35),
    "rrab": StarClass(pulsators.rr_lyrae_ab, 0.25, 0.08, 0.06),
    "rrc": StarClass(pulsators.rr_lyrae_c, 0.12, 0.02, 0.06),
    "rrd": StarClass(pulsators.rr_lyrae_d, 0.15, 0.03, 0.05),
    "cepheid_f": StarClass(pulsators.cepheid_fundamental, 0.65, 0.25, 0.1),
    "cepheid_o": StarClass(pulsators.cepheid_overtone, 0.5, 0.18, 0.1),
    "dscu": StarClass(pulsators.delta_scuti, 0.05, -0.02, 0.08),
    "ea": StarClass(binaries.eclipsing_ea, 0.5, 0.18, 0.2),
    "eb": StarClass(binaries.eclipsing_eb, 0.3, 0.1, 0.2),
    "ew": StarClass(binaries.eclipsing_ew, 0.6, 0.22, 0.15),
    "mira": StarClass(giants.mira, 1.8, 1.6, 0.3),
    "srv": StarClass(giants.semiregular, 1.6, 1.0, 0.2),
    "osarg": StarClass(giants.osarg, 1.4, 0.7, 0.15),
    "cv": StarClass(irregular.cataclysmic, 0.15, 0.1, 0.2),
    "agn": StarClass(irregular.active_galaxy, 0.25, 0.15, 0.15),
    "flare": StarClass(irregular.flare_star, 1.4, 1.4, 0.1),
    "rscvn": StarClass(binaries.rs_cvn, 0.8, 0.35, 0.12),
}
