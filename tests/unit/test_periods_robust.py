import numpy as np
import pytest
from scipy.optimize import minimize

from udfs.periods.curves import star_curves
from udfs.periods.harmonic_fit import log_likelihood_gains
from udfs.periods.robust_fit import robust_log_likelihoods

PERIOD, WRONG = 0.613, 1.27


def star_of(rng, n=120, *, curves=1):
    """A sine with a second harmonic, 0.2 magnitudes, with errors of 0.03."""
    time = np.sort(58000 + rng.integers(0, 900, (curves, n)) + rng.uniform(0.1, 0.4, (curves, n)))
    angle = 2 * np.pi * time / PERIOD
    mag = 16 + 0.2 * np.sin(angle) + 0.08 * np.cos(2 * angle) + rng.normal(0, 0.03, time.shape)
    mag += 0.5 * np.arange(curves)[:, None]
    return time.ravel(), mag.ravel(), np.full(time.size, 0.03), n * np.arange(curves + 1)


def likelihoods(star, freq, harmonics):
    angle = 2 * np.pi * freq * star.time
    out = np.empty(len(harmonics))
    robust_log_likelihoods(
        star.y, star.weight, star.offsets, np.cos(angle), np.sin(angle), np.array(harmonics), out
    )
    return out


def highest_likelihood(star, freq, harmonics):
    """The maximum over series, means and scale of the noise, by SciPy."""
    angle = 2 * np.pi * freq * star.time
    curve = np.repeat(np.arange(star.chi2.size), np.diff(star.offsets))
    means = (curve[:, None] == np.arange(star.chi2.size)).astype(float)
    waves = [f(k * angle) for k in range(1, harmonics + 1) for f in (np.cos, np.sin)]
    design = np.column_stack([means, *waves])

    def loss(parameters):
        residual = np.sqrt(star.weight) * (star.y - design @ parameters[:-1])
        scaled = residual * np.exp(-parameters[-1])
        return star.y.size * parameters[-1] + 2.5 * np.sum(np.log1p(scaled**2 / 4))

    start = np.append(np.linalg.lstsq(design, star.y, rcond=None)[0], 0.0)
    return -minimize(loss, start, method="BFGS").fun


@pytest.mark.parametrize("curves", [1, 3])
@pytest.mark.parametrize("period", [PERIOD, WRONG])
def test_likelihood_is_the_highest_of_students_t(rng, curves, period):
    time, mag, err, offsets = star_of(rng, curves=curves)
    mag[::17] += rng.normal(0, 0.3, mag[::17].size)
    star = star_curves(time, mag, err, offsets)
    found = likelihoods(star, 1 / period, [1, 2, 3])
    expected = [highest_likelihood(star, 1 / period, k) for k in (1, 2, 3)]
    # Some steps of expectation and maximisation come close from below; 10 decides nothing.
    assert (found < np.array(expected) + 1e-3).all()
    np.testing.assert_allclose(found, expected, atol=0.6)


def test_epochs_far_off_do_not_decide(rng):
    time, mag, err, offsets = star_of(rng)
    # They are at one phase of the wrong period, so that it explains them.
    off = np.argsort(np.abs(np.mod(time / WRONG, 1) - 0.5))[:12]
    mag[off] += 1.5
    star = star_curves(time, mag, err, offsets)
    gain = np.empty((2, 8))
    for i, period in enumerate((PERIOD, WRONG)):
        log_likelihood_gains(*star, 1 / period, gain[i])
    assert gain[1].max() > gain[0].max() + 10
    right, wrong = (likelihoods(star, 1 / p, [1, 2, 3]).max() for p in (PERIOD, WRONG))
    assert right > wrong + 10


def test_a_perfect_fit_stays_finite(rng):
    time, mag, err, offsets = star_of(rng, 40)
    mag = 16 + np.sin(2 * np.pi * time / PERIOD)
    star = star_curves(time, mag, err, offsets)
    assert np.isfinite(likelihoods(star, 1 / PERIOD, [1, 2, 3, 5, 8])).all()
