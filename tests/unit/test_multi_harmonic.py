import numpy as np
import pytest
from astropy.timeseries import LombScargle

from udfs.periodograms.multi_harmonic import cpu, multi_harmonic
from udfs.periodograms.multi_harmonic import reference as reference_backend

BOTH = ["reference", "cpu"]
GRID = np.arange(0.005, 3.0, 0.01)


def curves(rng, *sizes):
    """Times of a survey at night, a skewed signal, errors that differ tenfold."""
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    n = offsets[-1]
    time = 58000 + rng.integers(0, 900, n) + rng.uniform(0.1, 0.4, n)
    phase = np.mod(time / 0.5437, 1)
    magerr = rng.uniform(0.01, 0.1, n)
    mag = 16 + 0.6 * phase + 0.2 * np.cos(6 * np.pi * phase) + magerr * rng.normal(size=n)
    for array in (time, mag, magerr):
        array.flags.writeable = False
    return time, mag, magerr, offsets


@pytest.mark.parametrize("harmonics", [1, 2, 3, 5])
@pytest.mark.parametrize("sizes", [[40], [0, 20, 300], [1, 11, 0, 64]])
def test_matches_least_squares(rng, sizes, harmonics):
    data = curves(rng, *sizes)
    fast, slow = (
        multi_harmonic(*data, GRID[:130], backend=b, harmonics=harmonics)
        for b in ("cpu", "reference")
    )
    # Normal equations square the condition number; the penalty bounds it by about 1e4.
    np.testing.assert_allclose(fast, slow, rtol=1e-8, atol=1e-7)
    np.testing.assert_array_equal(np.isnan(fast[:, 0, 0]), np.array(sizes) < 2 * harmonics + 1)


def test_one_harmonic_is_the_generalised_lomb_scargle(rng, monkeypatch):
    time, mag, magerr, offsets = curves(rng, 200)
    for backend in (cpu, reference_backend):
        monkeypatch.setattr(backend, "RIDGE", 0.0)
    expected = LombScargle(time, mag, magerr).power(GRID, method="cython", normalization="psd")
    for backend in BOTH:
        found = multi_harmonic(time, mag, magerr, offsets, GRID, backend=backend, harmonics=1)
        # astropy halves the reduction.
        np.testing.assert_allclose(found[0, :, 0], 2 * expected, rtol=1e-7)


@pytest.mark.parametrize("backend", BOTH)
def test_reduction_is_chi2_of_a_noiseless_series(rng, backend):
    time = np.sort(rng.uniform(0, 100, 400))
    angle = 2 * np.pi * 1.234 * time
    mag = 15 + np.cos(angle) + 0.5 * np.sin(2 * angle) + 0.25 * np.cos(3 * angle)
    err = np.full(400, 0.1)
    chi2 = np.sum(((mag - mag.mean()) / err) ** 2)
    found = multi_harmonic(time, mag, err, np.array([0, 400]), np.array([1.234]), backend=backend)
    # Shares 1, 1/4 and 1/16 of the squared amplitudes; even sampling is only statistical, and
    # the penalty takes two thousandths.
    np.testing.assert_allclose(found[0, 0] / chi2, np.cumsum([16, 4, 1]) / 21, atol=0.04)
    assert found[0, 0, 2] / chi2 == pytest.approx(1, abs=0.003)


@pytest.mark.parametrize("backend", BOTH)
def test_more_harmonics_never_take_less_and_never_more_than_there_is(rng, backend):
    time, mag, magerr, offsets = curves(rng, 30)
    weight = magerr**-2.0
    chi2 = np.sum(weight * (mag - np.sum(weight * mag) / np.sum(weight)) ** 2)
    found = multi_harmonic(time, mag, magerr, offsets, GRID, backend=backend, harmonics=6)[0]
    assert (np.diff(found, axis=1) > -1e-9 * chi2).all()
    assert (found >= 0).all()
    assert (found <= chi2).all()


@pytest.mark.parametrize("backend", BOTH)
def test_a_gap_in_phase_earns_nothing(rng, backend):
    # All epochs within 2% of the same phase: noise, and six free waves to swing through the gap.
    time = np.arange(60.0) + rng.uniform(0, 0.02, 60)
    err = np.full(60, 0.1)
    mag = 15 + rng.normal(0, 0.1, 60)
    found = multi_harmonic(time, mag, err, np.array([0, 60]), np.array([1.0]), backend=backend)
    assert found[0, 0, 2] < 6


@pytest.mark.parametrize("backend", BOTH)
def test_equal_times_and_constant_magnitudes_have_no_peak(backend):
    err, offsets, freq = np.full(20, 0.1), np.array([0, 20]), GRID[:5]
    same = multi_harmonic(
        np.full(20, 58000.0), np.tile([15.0, 15.5], 10), err, offsets, freq, backend=backend
    )
    flat = multi_harmonic(np.arange(20.0), np.full(20, 15.0), err, offsets, freq, backend=backend)
    np.testing.assert_allclose(same, 0.0, atol=1e-6)
    np.testing.assert_allclose(flat, 0.0, atol=1e-12)


@pytest.mark.parametrize("reseed", [1, 7, 128])
def test_rotation_does_not_depend_on_how_often_it_is_renewed(rng, monkeypatch, reseed):
    data = curves(rng, 90)
    expected = multi_harmonic(*data, GRID, backend="reference")
    monkeypatch.setattr(cpu, "RESEED_STEPS", reseed)
    found = multi_harmonic(*data, GRID, backend="cpu")
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-7)


def test_shift_of_epoch_and_magnitude_changes_nothing(rng):
    time, mag, magerr, offsets = curves(rng, 90)
    before = multi_harmonic(time, mag, magerr, offsets, GRID, backend="cpu")
    after = multi_harmonic(time - 57344.0, mag + 4.0, magerr, offsets, GRID, backend="cpu")
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, 0.0, -0.1])
def test_bad_errors_give_nan_for_that_curve_alone(rng, bad):
    time, mag, magerr, offsets = curves(rng, 30, 30)
    magerr = magerr.copy()
    magerr[3] = bad
    found = multi_harmonic(time, mag, magerr, offsets, GRID[:7], backend="cpu")
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def test_contract_is_checked(rng):
    time, mag, magerr, offsets = curves(rng, 30)
    with pytest.raises(ValueError, match="harmonics=0"):
        multi_harmonic(time, mag, magerr, offsets, GRID, backend="cpu", harmonics=0)
    with pytest.raises(ValueError, match="backend='gpu' is unknown"):
        multi_harmonic(time, mag, magerr, offsets, GRID, backend="gpu")
    with pytest.raises(ValueError, match=r"magerr has shape \(3,\)"):
        multi_harmonic(time, mag, magerr[:3], offsets, GRID, backend="cpu")
