import math

import numpy as np
import pytest

from udfs.periods.agreement import agreement, family_agreement
from udfs.periods.curves import star_curves
from udfs.periods.false_alarm import false_alarm_probability, peak_narrowing
from udfs.periods.harmonic_fit import log_likelihood_gains
from udfs.periods.window import SIDEREAL_PER_DAY, alias_family, near_day, window_power


def test_window_of_evenly_spaced_epochs_repeats_at_the_sampling_frequency():
    time = 0.25 * np.arange(40)
    found = window_power(time, np.array([4.0, 8.0, 1.0, 4.0 + 1 / 20]))
    # 1/20: half a width of the peak, sinc^2(1/2) = 4/pi^2.
    np.testing.assert_allclose(found, [1, 1, 0, 4 / np.pi**2], atol=2e-3)


def test_members_of_an_alias_family_share_its_name():
    base = 0.31
    members = np.array([n * SIDEREAL_PER_DAY + s * base for n in (1, 2, 7) for s in (1, -1)])
    np.testing.assert_allclose(alias_family(members), base, atol=1e-12)
    assert alias_family(np.array([0.6]))[0] == pytest.approx(SIDEREAL_PER_DAY - 0.6)


def test_near_day_by_hand():
    freq = np.array([0.004, 0.5, 0.9951, 1.0027, 1.0101, 3.009, 1.5])
    np.testing.assert_array_equal(near_day(freq), [0, 0, 1, 1, 0, 1, 0])


def false_alarm(gain, **changes):
    settings = {"harmonics": 1, "max_freq": 10.0, "time_std_day": 100.0}
    return false_alarm_probability(gain, **(settings | changes))


def test_one_harmonic_is_the_formula_of_baluev():
    z, width = 15.0, 10.0 * math.sqrt(4 * math.pi) * 100.0
    expected = 1 - (1 - math.exp(-z)) * math.exp(-width * math.exp(-z) * math.sqrt(z))
    assert false_alarm(z) == pytest.approx(expected, rel=1e-9)


def test_more_harmonics_narrow_the_peaks():
    assert peak_narrowing(1) == pytest.approx(1.0)
    # 2^2 / 3!! (2^5 / 4! - 1 / (1! 3!))
    assert peak_narrowing(2) == pytest.approx(4 / 3 * (32 / 24 - 1 / 6))


def test_false_alarm_falls_with_the_gain_and_keeps_small_values():
    values = [false_alarm(z) for z in (0.0, 5.0, 12.0, 30.0, 500.0)]
    assert values[:2] == [1.0, pytest.approx(1.0)]
    assert (np.diff(values[1:]) < 0).all()
    assert 0 < values[-1] < 1e-200
    assert math.isnan(false_alarm(math.nan))


@pytest.mark.parametrize("n_curves", [1, 3])
def test_noise_exceeds_the_level_as_often_as_said(rng, n_curves):
    # 250 noise stars. The scale of their errors is not fitted in the theory: R / 2 and not
    # -n/2 ln(1 - R / chi2).
    n, max_freq = 200, 1.0
    freq = np.arange(0.02, max_freq, 0.003)
    trials, hits = 250, 0
    for _ in range(trials):
        time = np.concatenate([np.sort(rng.uniform(0, 50, n)) for _ in range(n_curves)])
        mag = rng.normal(0, 1, time.size)
        star = star_curves(time, mag, np.ones(time.size), n * np.arange(n_curves + 1))
        gains = np.empty((freq.size, 1))
        for f, out in zip(freq, gains, strict=True):
            log_likelihood_gains(*star, f, out)
        gain = -0.5 * time.size * math.expm1(-2 * gains.max() / time.size)
        hits += false_alarm(gain, max_freq=max_freq,
                            time_std_day=float(np.std(time))) < 0.2  # fmt: skip
    # An upper bound that is near the truth for small probabilities; 3 sigma of 250 trials is 0.075.
    assert 0.08 < hits / trials < 0.275


def test_agreement_counts_harmonics_and_ignores_missing():
    period = np.array([0.6, 0.6, np.nan, 0.6])
    others = np.array(
        [[0.61, 1.2, 0.2], [0.45, np.nan, 0.3], [0.6, 0.6, 0.6], [np.nan, np.nan, 0.005]]
    )
    found = agreement(period, others)
    np.testing.assert_allclose(found[:2], [1.0, 0.5])
    assert np.isnan(found[2:]).all()


def test_aliases_agree_only_as_a_family():
    period = np.array([1 / 1.6])
    others = np.array([[1 / (1.6 + SIDEREAL_PER_DAY), 1 / 3.2, 1 / 1.9]])
    assert agreement(period, others)[0] == pytest.approx(1 / 3)
    assert family_agreement(period, others)[0] == pytest.approx(2 / 3)
