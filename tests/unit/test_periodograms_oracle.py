"""Periodograms and periods against the oracle's 38 real curves of 6000 frequencies each."""

import numpy as np
import pytest

from udfs.periodograms.aov import aov
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.periodograms.search import search_periods

pytestmark = pytest.mark.oracle


def computed(algorithm, curve: dict, backend: str) -> np.ndarray:
    offsets = np.array([0, curve["time"].size])
    freq = curve["freq_per_day"]
    return algorithm(curve["time"], curve["mag"], offsets, freq, backend=backend)[0]


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_lomb_scargle(oracle_periodograms, backend):
    for curve in oracle_periodograms[:: 1 if backend == "cpu" else 8]:
        # atol: near the zeros of the power its relative error has no bound.
        np.testing.assert_allclose(
            computed(lomb_scargle, curve, backend), curve["ls"], rtol=1e-9, atol=1e-11
        )


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize(("algorithm", "name"), [(conditional_entropy, "ce"), (aov, "aov")])
def test_binned_periodograms(oracle_periodograms, algorithm, name, backend):
    # On a grid made from its own baseline, the last epoch of a curve has phases 0, 0.1, 0.2 ...:
    # always on the edge of a bin, and one rounding moves it over. No grid point is excluded here
    # all the same, because product, remainder and product round alike in all implementations.
    for curve in oracle_periodograms[:: 1 if backend == "cpu" else 8]:
        actual = computed(algorithm, curve, backend)
        np.testing.assert_allclose(actual, curve[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["fixed", "scope-v0.9.5"])
def test_best_periods_and_significances(oracle_periodograms, mode):
    names = ["LS", "CE", "AOV", "ELS_ECE_EAOV"]
    for curve in oracle_periodograms:
        best = search_periods(
            curve["time"],
            curve["mag"],
            np.full(curve["mag"].size, 0.01),
            np.array([0, curve["time"].size]),
            curve["freq_per_day"],
            band=np.array([1]),
            star=np.array([0]),
            settings=PeriodSearchSettings(excluded_per_day=()),
            mode=mode,
            backend="cpu",
        )
        period = np.array([curve[f"period_{n}"] for n in names])
        if mode == "scope-v0.9.5":
            period[:3] = period[:3].astype(np.float32)
        significance = [curve[f"significance_{n}"] for n in names]
        np.testing.assert_allclose(best.period[0], period, rtol=1e-13)
        np.testing.assert_allclose(best.significance[0], significance, rtol=1e-9)
        assert not best.pdot.any()
