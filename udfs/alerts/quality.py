"""Quality cuts of alerts, each a named column: nothing is dropped because of them.

They are those that ZTF's documentation and the alert brokers publish; the eight and six of Mahabal
et al. (2019, arXiv:1902.01936) are not among them, since we could not read their thresholds there.
"""

from typing import NamedTuple

_IPAC = "ZTF alert documentation, zwickytransientfacility.github.io/ztf-avro-alert/filtering.html"
_ZTF_NOTEBOOK = "ZwickyTransientFacility/ztf-avro-alert, notebooks/Filtering_alerts.ipynb"
_ANTARES = "ANTARES, antares.noao.edu/pipeline, level 1 filter Bad Detection v2"
_AMPEL = "AMPEL, Ampel-HU-astro, contrib/hu/t0/SimpleDecentFilter.py, default values"
_BRAAI = "braai, figure doc/fig-perf_d6_m7.png: 1.1 % of the real lost, 2.9 % of the bogus kept"


class Cut(NamedTuple):
    """One condition that a good alert meets.

    Attributes
    ----------
    expression : str
        Spark SQL over the columns of ``scored_alerts``: boolean, null where what decides is null.
    source : str
        Where the condition and its threshold are published.
    """

    expression: str
    source: str


# Distances are -999 where ZTF's catalogues have nothing near: such an alert passes.
CUTS: dict[str, Cut] = {
    # A relatively pure sample of detections.
    "rb": Cut("rb >= 0.65", _IPAC),
    "nbad": Cut("nbad = 0", _IPAC),
    "fwhm": Cut("fwhm <= 5", _IPAC),
    "elong": Cut("elong <= 1.2", _IPAC),
    "magdiff": Cut("abs(magdiff) <= 0.1", _IPAC),
    # Likely a transient outside the Galaxy.
    "positive": Cut("isdiffpos", _ZTF_NOTEBOOK),
    "no_star": Cut("distpsnr1 > 1.5 OR sgscore1 < 0.5", _ZTF_NOTEBOOK),
    "no_solar_system": Cut("ssdistnr < 0 OR ssdistnr > 5", _ZTF_NOTEBOOK),
    # The newer score, and samples that are more complete or cut otherwise.
    "drb": Cut("drb >= 0.5", _BRAAI),
    "rb_loose": Cut("rb >= 0.55", _ANTARES),
    "elong_loose": Cut("elong <= 1.4", _AMPEL),
    "magdiff_loose": Cut("abs(magdiff) <= 0.4", _AMPEL),
    "no_sure_star": Cut("NOT (distpsnr1 < 2 AND sgscore1 > 0.8)", _AMPEL),
    "no_solar_system_wide": Cut("ssdistnr < 0 OR ssdistnr >= 20", _AMPEL),
}
