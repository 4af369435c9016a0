import numpy as np
import pyarrow.parquet as pq
import pytest

from udfs.features import harmonic_fit
from udfs.features.fourier import even_harmonics, fourier_features
from udfs.features.harmonic_formula import cos_sin_turn
from udfs.schemas import FOURIER

SCOPE = "scope-v0.9.5"


def design(time, period, order):
    columns = [np.ones(time.size), time - time.min()]
    for n in range(1, order + 1):
        angle = 2 * np.pi * n * time / period
        columns += [np.cos(angle), np.sin(angle)]
    return np.array(columns).T


def chi2(curve, period, coefficients):
    time, mag, magerr = curve
    return np.sum(((mag - design(time, period, 5) @ coefficients) / magerr) ** 2)


def fit(time, mag, magerr, period, *, mode=SCOPE, **options):
    offsets = np.array([0, len(time)])
    return fourier_features(time, mag, magerr, offsets, np.array([period]), mode=mode, **options)[0]


@pytest.fixture
def curve(rng):
    time = np.sort(rng.uniform(0, 400, 150))
    return time, rng.normal(15, 0.02, 150), rng.uniform(0.01, 0.04, 150)


@pytest.mark.oracle
def test_matches_the_published_fits_or_fits_better(oracle_curves, oracle_dir):
    expected = pq.read_table(oracle_dir / "features.parquet").to_pandas()
    c = oracle_curves
    period = expected["period_day"].to_numpy()
    actual = fourier_features(c.time, c.mag, c.magerr, c.offsets, period, mode=SCOPE)
    published = expected[list(FOURIER)].to_numpy()
    # Power and BIC come from chi2, which is flat at its minimum: the optimiser's early stop shows
    # in the coefficients only.
    np.testing.assert_allclose(actual[:, :2], published[:, :2], rtol=1e-7)
    differs = ~np.isclose(actual, published, rtol=1e-4, atol=1e-9).all(axis=1)
    assert np.mean(differs) < 0.2
    for i in np.flatnonzero(differs):
        ours = chi2(c.one(i), period[i], actual[i, 2:])
        theirs = chi2(c.one(i), period[i], published[i, 2:])
        assert ours <= theirs * (1 + 1e-12)


@pytest.mark.parametrize("order", [0, 1, 3, 5])
def test_recovers_an_injected_series_and_its_order(curve, order):
    time, _, magerr = curve
    truth = np.array([15.0, 1e-4, 0.3, -0.2, 0.1, 0.08, -0.05, 0.04, 0.03, 0.02, 0.02, -0.03])
    truth[2 + 2 * order :] = 0
    mag = design(time, 0.7312, 5) @ truth
    noise = 1e-4 * np.sin(1234.5 * time)  # chi2 must not be 0, or any order is as good
    row = fit(time, mag + noise, magerr, 0.7312)
    np.testing.assert_allclose(row[2:], truth, atol=1e-4)
    assert np.count_nonzero(row[4:]) == 2 * order


def test_matches_numpy_least_squares(curve):
    time, mag, magerr = curve
    mag = mag + 0.2 * np.cos(2 * np.pi * time / 3.3) + 0.1 * np.sin(4 * np.pi * time / 3.3)
    fits = []
    for order in range(6):
        matrix = design(time, 3.3, order)
        solution = np.linalg.lstsq(matrix / magerr[:, None], mag / magerr, rcond=None)[0]
        squares = np.sum(((mag - matrix @ solution) / magerr) ** 2)
        fits.append((squares + np.log(150) * (2 + 2 * order), squares, solution))
    bic, squares, solution = min(fits, key=lambda f: f[0])
    row = fit(time, mag, magerr, 3.3)
    assert row[0] == pytest.approx((fits[0][1] - squares) / fits[0][1], rel=1e-10)
    assert row[1] == pytest.approx(bic, rel=1e-10)
    np.testing.assert_allclose(row[2 : 2 + solution.size], solution, rtol=1e-8)


def test_phases_refer_to_absolute_times(curve):
    time, mag, magerr = curve
    mag = mag + 0.2 * np.cos(2 * np.pi * time / 0.7)
    # Moving the zero point by a quarter of a period turns the cosine into the sine.
    row = fit(time, mag, magerr, 0.7, epoch_offset_day=0.7 / 4)
    plain = fit(time, mag, magerr, 0.7)
    np.testing.assert_allclose(row[4:6], [-plain[5], plain[4]], atol=1e-12)
    # The same zero point, written into the times.
    np.testing.assert_allclose(row, fit(time + 0.7 / 4, mag, magerr, 0.7), atol=1e-9)


def test_fixed_mode_gives_what_the_names_say(curve):
    time, _, magerr = curve
    angle = 2 * np.pi * time / 0.9
    mag = 15 + 0.4 * np.sin(angle + 0.3) + 0.1 * np.sin(2 * (angle + 0.3) + 2 * np.pi * 0.2)
    row = dict(zip(FOURIER, fit(time, mag, magerr, 0.9, mode="fixed"), strict=True))
    assert row["f1_amp"] == pytest.approx(0.4)
    assert row["f1_phi0"] == pytest.approx(0.3)
    assert row["f1_relamp1"] == pytest.approx(0.25)
    assert row["f1_relphi1"] == pytest.approx(0.2)


def test_even_harmonics_are_those_of_an_eclipsing_binary(curve):
    time, _, magerr = curve
    angle = 2 * np.pi * time / 0.9
    # Two like minima: no odd harmonic but a trace, and a phase between the even ones.
    mag = 15 + 0.3 * np.sin(2 * angle + 0.4) + 0.06 * np.sin(4 * angle + 0.8 + 1.1)
    series = fit(time, mag + 1e-3 * np.sin(angle), magerr, 0.9, mode="fixed")
    found = even_harmonics(series[None])[0]
    expected = [0.3, 0.2, -0.24 / 0.36, np.cos(1.1), np.sin(1.1)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_even_harmonics_there_is_no_ratio_of_them(curve):
    time, _, magerr = curve
    flat = fit(time, 15 + 1e-6 * np.sin(1234.5 * time), magerr, 0.9, mode="fixed")
    found = even_harmonics(np.vstack([flat, np.full(14, np.nan)]))
    assert found[0, 0] == 0 and np.isnan(found[0, 1:3]).all()
    assert np.isnan(found[1]).all()


def test_a_flat_curve_has_no_relative_values_but_is_no_gap(curve):
    time, _, magerr = curve
    row = fit(time, 15 + 1e-6 * np.sin(1234.5 * time), magerr, 0.9, mode="fixed")
    assert row[4] == row[5] == 0
    assert (row[6:] == 0).all()


@pytest.mark.parametrize("period", [np.nan, np.inf, 0.0, -1.0])
def test_no_period_no_fit(curve, period):
    assert np.isnan(fit(*curve, period)).all()


@pytest.mark.parametrize(("n", "fitted"), [(0, False), (1, False), (11, False), (12, True)])
def test_fewer_epochs_than_parameters_have_no_fit(curve, n, fitted):
    row = fit(*(a[:n] for a in curve), 0.7)
    assert np.isfinite(row).all() == fitted
    assert np.isnan(row).all() != fitted


def test_epochs_at_one_time_have_no_fit(curve):
    _, mag, magerr = curve
    assert np.isnan(fit(np.full(150, 7.0), mag, magerr, 0.7)).all()


def test_dependent_harmonics_end_the_search(curve):
    # With two phases only, the first sine is zero or the cosine itself: order 0 remains.
    _, mag, magerr = curve
    row = fit(np.arange(150) * 0.5, mag, magerr, 1.0)
    assert np.isfinite(row).all()
    assert not row[4:].any()


@pytest.mark.parametrize("period", [1e9, 1e12])
def test_a_period_far_beyond_the_baseline_adds_nothing(curve, period):
    # Over the baseline the cosine is a constant and the sine a slope. What rounding leaves of them
    # would be taken for a signal, because the scatter is a hundred times the errors.
    time, mag, magerr = curve
    row = fit(time, mag, magerr / 100, period)
    assert np.isfinite(row).all()
    assert not row[4:].any()


def test_one_bad_curve_leaves_the_others_alone(curve):
    time, mag, magerr = (np.tile(a, 2) for a in curve)
    rows = fourier_features(
        time, mag, magerr, np.array([0, 150, 300]), np.array([np.nan, 0.7]), mode=SCOPE
    )
    np.testing.assert_array_equal(rows[1], fit(*curve, 0.7))


@pytest.mark.parametrize("longest", [0.2, 3.0])
def test_sums_and_orthogonalisation_agree(make_curves, rng, longest):
    # Periods up to so many baselines: beyond one, columns are nearly sums of others.
    c = make_curves(*[80] * 60)
    period = 1700 * 10 ** rng.uniform(-4, np.log10(longest), 60)
    fast = fourier_features(c.time, c.mag, c.magerr, c.offsets, period, mode=SCOPE)
    slow = np.full_like(fast, np.nan)
    for i in range(60):
        t, m, e = c.one(i)
        elapsed, zero_phase = t - t.min(), t.min() / period[i]
        harmonic_fit.fit_orthogonal(elapsed, m, e, period[i], zero_phase, slow[i])
    np.testing.assert_allclose(fast[:, :2], slow[:, :2], rtol=1e-9)
    size = np.abs(slow[:, 2:]).max(axis=1, keepdims=True)
    np.testing.assert_allclose(fast[:, 2:] / size, slow[:, 2:] / size, atol=1e-8)


def test_sums_serve_all_common_periods(make_curves):
    # The orthogonalisation is correct as well, but ten times slower.
    c = make_curves(*[80] * 60)
    row = np.empty(14)
    for i in range(60):
        t, m, e = c.one(i)
        assert harmonic_fit._fit_from_sums(t - t.min(), m, e, 0.03 * 1.15**i, 0.0, row)


@pytest.mark.parametrize("period", [0.9973, 1.0, 0.5, 365.25])
def test_phases_seen_in_part_match_numpy_least_squares(rng, period):
    # Four hours a night, five months a year: the harmonics of these periods nearly coincide.
    night = np.concatenate([np.arange(150), 365 + np.arange(150)])
    time = 58000 + np.sort(rng.choice(night, 250)) + rng.uniform(0.2, 0.37, 250)
    magerr = rng.uniform(0.01, 0.04, 250)
    mag = rng.normal(15, 0.1, 250)
    row = fit(time, mag, magerr, period)
    order = np.count_nonzero(row[4:]) // 2
    matrix = design(time - 58000, period, order)
    basis = np.linalg.qr(matrix / magerr[:, None])[0]
    residual = mag / magerr - basis @ (basis.T @ (mag / magerr))
    bic = np.sum(residual**2) + np.log(250) * (2 + 2 * order)
    # rel: rounding of the columns, times a condition number of up to 1e10.
    assert row[1] == pytest.approx(bic, rel=1e-6)


def test_order_of_the_epochs_is_irrelevant(curve, rng):
    time, mag, magerr = curve
    shuffled = rng.permutation(time.size)
    np.testing.assert_allclose(
        fit(time[shuffled], mag[shuffled], magerr[shuffled], 3.3), fit(*curve, 3.3), rtol=1e-9
    )


@pytest.mark.parametrize("turn", [0.0, 0.125, 0.25, 0.3, 0.5, 0.7, 0.75, 0.999999999, 123.456])
def test_cosine_and_sine_of_a_turn(turn):
    cosine, sine = cos_sin_turn(turn)
    angle = 2 * np.longdouble(np.pi) * np.longdouble(turn)
    angle += 2 * np.longdouble(turn) * np.longdouble(1.2246467991473532e-16)  # rest of pi
    assert float(cosine - np.cos(angle)) == pytest.approx(0, abs=3e-16)
    assert float(sine - np.sin(angle)) == pytest.approx(0, abs=3e-16)


@pytest.mark.parametrize("n", [20_000])
def test_long_curves_are_fitted(rng, n):
    time = np.sort(rng.uniform(0, 7000, n))
    mag = 15 + 0.01 * np.cos(2 * np.pi * time / 0.0231) + rng.normal(0, 0.02, n)
    row = fit(time, mag, np.full(n, 0.02), 0.0231)
    assert row[4] == pytest.approx(0.01, abs=5 * 0.02 / np.sqrt(n / 2))


def test_constant_magnitude_has_no_power(curve):
    # Equal errors: the mean is exact, and chi-square 0.
    row = fit(curve[0], np.full(150, 15.0), np.full(150, 0.5), 0.7)
    assert row[0] == 0
    assert row[2] == 15
    assert not row[3:].any()
