import numpy as np
import pytest
from astropy.timeseries import LombScargleMultiband

from udfs.periodograms.grid import PeriodSearchSettings, frequency_grid
from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.periodograms.multiband import multiband

BOTH = ["reference", "cpu"]
FAST = ["cpu"]
GRID = 2 / 1700 + np.arange(1, 400) / 1700
TERMS = [(1, 1), (2, 0), (0, 1), (3, 1), (1, 2)]


def one(star, freq, backend="cpu", **options):
    return multiband(*star, np.array([0, star[0].size]), freq, backend=backend, **options)[0]


@pytest.fixture
def make_star(rng):
    """A star of other mean, amplitude and phase in each band; band numbers with gaps."""

    def make(n, bands=(1, 2, 7), period=0.61234, noise=0.03):
        time = 58000 + np.sort(rng.uniform(0, 1000, n))
        band = rng.choice(bands, n)
        magerr = noise * rng.uniform(0.5, 1.5, n)
        angle = 2 * np.pi * time / period + 0.1 * band
        mag = 17 + band + 0.3 / band * np.sin(angle) + magerr * rng.normal(size=n)
        return time, mag, magerr, band

    return make


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize(("base", "band"), TERMS)
def test_matches_astropy(make_star, backend, base, band):
    time, mag, magerr, bands = make_star(120)
    freq = np.concatenate([GRID[:60], [1 / 0.61234, 23.4]])
    judge = LombScargleMultiband(
        time - time[0], mag, bands, magerr, nterms_base=base, nterms_band=band
    )
    expected = judge.power(freq, method="flexible")
    actual = one((time, mag, magerr, bands), freq, backend, base_terms=base, band_terms=band)
    # rtol: the penalty of 1e-6 leaves a condition number of 1e6.
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("penalties", [(1e-3, 1e-2), (0.0, 1.0)])
def test_penalties_match_astropy(make_star, backend, penalties):
    time, mag, magerr, bands = star = make_star(80)
    judge = LombScargleMultiband(
        time - time[0], mag, bands, magerr, reg_base=penalties[0], reg_band=penalties[1]
    )
    actual = one(star, GRID[:30], backend, base_penalty=penalties[0], band_penalty=penalties[1])
    expected = judge.power(GRID[:30], method="flexible")
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize(("base", "band"), TERMS)
@pytest.mark.parametrize("sizes", [[60], [0, 31], [50, 2, 300, 1]])
def test_matches_reference(make_star, backend, base, band, sizes):
    stars = [make_star(n) for n in sizes]
    arrays = [np.concatenate(column) for column in zip(*stars, strict=True)]
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    freq = np.concatenate([GRID[:257], [7.0, 7.1], GRID[300:309], [48.0]])
    actual, expected = (
        multiband(*arrays, offsets, freq, backend=b, base_terms=base, band_terms=band)
        for b in (backend, "reference")
    )
    assert actual.shape == (len(sizes), freq.size)
    # atol: 1e-16 of the chi-square, times the condition number of a penalty of 1e-6.
    np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("backend", BOTH)
def test_one_band_is_a_plain_fourier_periodogram(make_star, backend):
    time, mag, magerr, band = make_star(100, bands=(3,))
    freq = GRID[:40]
    weight = 1 / magerr**2
    chi2 = np.sum(weight * (mag - np.average(mag, weights=weight)) ** 2)
    expected = multi_harmonic(
        time, mag, magerr, np.array([0, 100]), freq, backend="reference", harmonics=1
    )
    actual = one((time, mag, magerr, band), freq, backend)
    # Different penalties against phase gaps, up to 1e-3 of the weights.
    np.testing.assert_allclose(actual, expected[0, :, 0] / chi2, atol=5e-3)


@pytest.mark.parametrize("backend", BOTH)
def test_order_of_epochs_and_names_of_bands_are_irrelevant(make_star, rng, backend):
    time, mag, magerr, band = star = make_star(90)
    shuffled = rng.permutation(90)
    other = (time[shuffled], mag[shuffled], magerr[shuffled], -5 * band[shuffled])
    np.testing.assert_allclose(
        one(other, GRID[:20], backend), one(star, GRID[:20], backend), rtol=1e-8
    )


@pytest.mark.parametrize("backend", FAST)
def test_bands_together_find_what_none_finds_alone(rng, backend):
    # A sine of 0.1 mag, 15 epochs a band with errors of 0.08: chi-square falls by 12 in each.
    time = 58000 + np.sort(rng.uniform(0, 1000, 75))
    band, magerr = np.arange(75) % 5, np.full(75, 0.08)
    mag = 17 + 0.1 * np.sin(2 * np.pi * time / 0.61234) + rng.normal(0, 0.08, 75)
    star = time, mag, magerr, band
    freq = frequency_grid(1000.0, PeriodSearchSettings(excluded_per_day=(), max_freq_per_day=5.0))
    best = freq[np.argmax(one(star, freq, backend, band_terms=0))]
    # Half the width of a peak.
    assert abs(best - 1 / 0.61234) < 0.5 / 1000
    for b in range(5):
        alone = tuple(a[band == b] for a in star)
        best = freq[np.argmax(one(alone, freq, backend))]
        assert abs(best - 1 / 0.61234) > 0.5 / 1000


@pytest.mark.parametrize("backend", BOTH)
def test_stars_that_tell_nothing_are_nan(make_star, backend):
    time, _, magerr, band = make_star(30)
    constant = (time, 15.0 + 0.1 * band, magerr, band)
    assert np.isnan(one(constant, GRID[:5], backend)).all()
    for n in (0, 1):
        assert np.isnan(one(tuple(a[:n] for a in constant), GRID[:5], backend)).all()


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize(("column", "value"), [(0, np.nan), (1, np.inf), (2, 0.0)])
def test_bad_values_give_nan(make_star, backend, column, value):
    arrays = [a.copy() for a in make_star(30)]
    arrays[column][4] = value
    assert np.isnan(one(tuple(arrays), GRID[:5], backend)).all()


@pytest.mark.parametrize("backend", BOTH)
def test_a_band_of_one_epoch_and_equal_times_stay_finite(make_star, backend):
    time, mag, magerr, band = make_star(30)
    band = np.where(np.arange(30) == 7, 99, band)
    assert np.isfinite(one((time, mag, magerr, band), GRID[:20], backend)).all()
    together = one((np.full(30, 7.0), mag, magerr, band), GRID[:5], backend)
    np.testing.assert_allclose(together, 0, atol=1e-8)


def test_contract_is_checked(make_star):
    star = make_star(30)
    with pytest.raises(ValueError, match="backend='gpu' is unknown"):
        one(star, GRID, "gpu")
    with pytest.raises(ValueError, match=r"band has shape \(3,\), but offsets end at 30"):
        one((*star[:3], star[3][:3]), GRID)
    with pytest.raises(ValueError, match="base_terms=0 and band_terms=0"):
        one(star, GRID, base_terms=0, band_terms=0)
    with pytest.raises(ValueError, match="band_penalty=0.0"):
        one(star, GRID, band_penalty=0.0)
