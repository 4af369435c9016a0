"""The kernels for one light curve at its own times."""

import numpy as np
import pytest
from numba import cuda

from udfs.periodograms import phases_cuda
from udfs.periodograms.aov import aov
from udfs.periodograms.box_least_squares import box_least_squares
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.conditional_entropy import cuda as conditional_entropy_cuda
from udfs.periodograms.fast_phase_weighting import fast_phase_weighting
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.periodograms.multiband import multiband

ALGORITHMS = [lomb_scargle, conditional_entropy, aov]
FREQ = np.concatenate([np.linspace(0.01, 3, 30), [7.0, 24.0, 48.0]])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("sizes", [[25], [0, 33, 1, 22], [64]])
def test_matches_reference(make_curves, algorithm, sizes):
    c = make_curves(*sizes)
    actual, expected = (
        algorithm(c.time, c.mag, c.offsets, FREQ, backend=backend)
        for backend in ("cuda", "reference")
    )
    # atol: near the zeros of a power its relative error has no bound.
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("harmonics", [1, 3])
@pytest.mark.parametrize("sizes", [[25], [0, 33, 1]])
def test_multi_harmonic_matches_reference(make_curves, harmonics, sizes):
    c = make_curves(*sizes)
    actual, expected = (
        multi_harmonic(
            c.time, c.mag, c.magerr, c.offsets, FREQ, backend=backend, harmonics=harmonics
        )
        for backend in ("cuda", "reference")
    )
    # Errors of 0.01 to 0.05 mag make chi-squares of some thousands.
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("algorithm", [fast_phase_weighting, box_least_squares])
@pytest.mark.parametrize("sizes", [[25], [0, 33, 1]])
def test_bins_with_errors_match_reference(make_curves, algorithm, sizes):
    c = make_curves(*sizes)
    actual, expected = (
        algorithm(c.time, c.mag, c.magerr, c.offsets, FREQ, backend=backend)
        for backend in ("cuda", "reference")
    )
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("base_terms", "band_terms"), [(1, 1), (0, 2), (3, 0)])
def test_multiband_matches_reference(make_curves, rng, base_terms, band_terms):
    c = make_curves(33, 1, 40)
    band = rng.integers(0, 3, c.time.size)
    actual, expected = (
        multiband(
            c.time, c.mag, c.magerr, band, c.offsets, FREQ,
            backend=backend, base_terms=base_terms, band_terms=band_terms,
        )
        for backend in ("cuda", "reference")
    )  # fmt: skip
    # The penalty of 1e-6 leaves the shared and the bands' constants a condition of as much.
    np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-8)


def test_entropy_with_a_word_for_each_count(make_curves, monkeypatch):
    """As for more epochs than 16 bits can count, which would take minutes here."""
    monkeypatch.setattr(conditional_entropy_cuda, "SHORT_EPOCHS", 30)
    c = make_curves(40)
    actual, expected = (
        conditional_entropy(c.time, c.mag, c.offsets, FREQ[:5], backend=backend)
        for backend in ("cuda", "reference")
    )
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_too_many_bins_for_a_block_are_named(make_curves):
    c = make_curves(40)
    with pytest.raises(ValueError, match="do not fit the shared memory.*use fewer bins"):
        conditional_entropy(c.time, c.mag, c.offsets, FREQ, backend="cuda", phase_bins=400)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_frequency_is_no_launch(make_curves, algorithm):
    c = make_curves(30)
    assert algorithm(c.time, c.mag, c.offsets, np.empty(0), backend="cuda").shape == (1, 0)


def test_bins_are_those_of_the_cpu_at_the_edges(rng):
    """Products that fall on an edge of a bin, or round up to a whole number of cycles."""
    elapsed = np.concatenate([np.arange(60) / 20, rng.uniform(0, 1700, 60)])
    freq = np.concatenate([[1.0, 1 / 3, 20.0], 1 / elapsed[61:]])
    n = min(elapsed.size, freq.size)
    elapsed, freq = elapsed[:n], freq[:n]

    @cuda.jit
    def fill(freq, elapsed, out):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = phases_cuda.phase_bin(freq[i], elapsed[i], 20)

    out = cuda.to_device(np.full(n, -1, np.int64))
    fill[-(-n // 32), 32](cuda.to_device(freq), cuda.to_device(elapsed), out)
    cycles = freq * elapsed
    expected = np.minimum(np.floor((cycles - np.floor(cycles)) * 20), 19)
    np.testing.assert_array_equal(out.copy_to_host(), expected)
