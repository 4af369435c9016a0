from pathlib import Path

import numpy as np
import pytest

from models.taxonomy import read_taxonomy
from udfs.simulator.templates import CLASSES, Epochs
from udfs.simulator.templates.base import fourier_shape
from udfs.simulator.templates.eclipse import (
    Binary,
    binary_delta_mag,
    overlap_area,
    roche_radius,
)
from udfs.simulator.templates.irregular import damped_random_walk

LABELS = Path(__file__).resolve().parents[2] / "conf" / "labels.toml"
PERIODIC = sorted(set(CLASSES) - {"constant", "cv", "agn", "flare"})


def _epochs(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    band = np.sort(rng.integers(1, 4, n))
    return Epochs(rng.uniform(0, 1800, n), band, 1800.0)


def _variation(name, seed):
    return CLASSES[name].template(np.random.default_rng(seed), _epochs())


@pytest.mark.parametrize("name", CLASSES)
def test_labels_are_the_most_specific_of_the_taxonomy(name):
    taxonomy = read_taxonomy(LABELS)
    for seed in range(10):
        labels = _variation(name, seed).labels
        assert labels
        taxonomy.check(labels, where=name)
        above = {a for label in labels for a in taxonomy.ancestors(label)}
        assert not above & set(labels)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("constant", "nonvar"), ("rrab", "rrab"), ("rrc", "rrc"), ("rrd", "rrd"),
        ("cepheid_f", "f"), ("cepheid_o", "o"), ("dscu", "dscu"), ("ea", "ea"), ("eb", "eb"),
        ("ew", "ew"), ("mira", "mir"), ("srv", "srv"), ("osarg", "osarg"), ("cv", "cv"),
        ("agn", "agn"), ("flare", "fla"), ("rscvn", "rscvn"),
    ],
)  # fmt: skip
def test_each_class_has_its_own_label(name, label):
    labels = _variation(name, 0).labels
    assert label in labels
    taxonomy = read_taxonomy(LABELS)
    above = {a for known in labels for a in taxonomy.ancestors(known)}
    assert ("vnv" in above) == (name != "constant")


@pytest.mark.parametrize("name", CLASSES)
def test_periodic_classes_have_a_period_and_the_others_none(name):
    taxonomy = read_taxonomy(LABELS)
    for seed in range(10):
        variation = _variation(name, seed)
        assert (variation.period_day is not None) == (name in PERIODIC)
        assert np.isfinite(variation.delta_mag).all()
        above = {a for label in variation.labels for a in taxonomy.ancestors(label)}
        assert ("pnp" in above) == (name in PERIODIC)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("rrab", 0.42, 0.85), ("rrc", 0.24, 0.44), ("rrd", 0.34, 0.42), ("cepheid_f", 2.5, 45),
        ("cepheid_o", 0.8, 6), ("dscu", 0.03, 0.25), ("ea", 0.5, 20), ("eb", 0.4, 5),
        ("ew", 0.22, 0.8), ("mira", 120, 500), ("srv", 80, 350), ("osarg", 20, 90),
    ],
)  # fmt: skip
def test_periods_spread_over_the_range_of_their_class(name, low, high):
    periods = [_variation(name, seed).period_day for seed in range(40)]
    assert low <= min(periods) and max(periods) <= high
    assert np.ptp(periods) > 0.2 * min(periods) or name in ("rrd",)


@pytest.mark.parametrize("name", ["rrab", "rrc", "cepheid_f", "cepheid_o", "dscu", "srv"])
def test_blue_light_varies_more(name):
    epochs = _epochs()
    for seed in range(5):
        delta = CLASSES[name].template(np.random.default_rng(seed), epochs).delta_mag
        g, r, i = (np.ptp(delta[epochs.filter_id == band]) for band in (1, 2, 3))
        assert g > r > i
    if name.startswith("rr"):
        # Sesar et al. (2010); sampled extremes of 1,000 phases are good to 2 %.
        assert r / g == pytest.approx(0.71, rel=0.03)


def test_rr_lyrae_ab_rise_faster_than_they_fade():
    variation = _variation("rrab", 1)
    epochs = _epochs()
    in_g = epochs.filter_id == 1
    phase = (epochs.time_day[in_g] / variation.period_day) % 1
    delta = variation.delta_mag[in_g]
    brightest, faintest = phase[np.argmin(delta)], phase[np.argmax(delta)]
    rise = (brightest - faintest) % 1
    assert 0.05 < rise < 0.3


def test_fourier_shape_has_unit_height_and_no_mean():
    x = np.linspace(0, 1, 4096, endpoint=False)
    shape = fourier_shape(x, [0.4, 0.2], [4.0, 1.0])
    slow = np.cos(2 * np.pi * x) + 0.4 * np.cos(4 * np.pi * x + 4) + 0.2 * np.cos(6 * np.pi * x + 1)
    # The height is measured on 128 phases.
    np.testing.assert_allclose(shape, slow / np.ptp(slow), atol=2e-3)
    assert abs(shape.mean()) < 1e-12


def test_overlap_of_circles():
    r = 0.3
    lens = r**2 * (2 * np.pi / 3 - np.sqrt(3) / 2)
    found = overlap_area(np.array([0.0, r, 2 * r, 0.9]), r, r)
    np.testing.assert_allclose(found, [np.pi * r**2, lens, 0.0, 0.0], atol=1e-8)
    assert overlap_area(np.array([0.1]), 0.5, 0.2)[0] == pytest.approx(np.pi * 0.04)


def test_equal_stars_edge_on_lose_half_their_light():
    binary = Binary((0.05, 0.05), (6000.0, 6000.0), 1.0, 0.0)
    delta = binary_delta_mag(binary, np.array([0.0, 0.5, 0.25]), np.array([1, 2, 3]))
    # Limb darkening drops out of a total eclipse; the tide of r = 0.05 is below 1 mmag.
    np.testing.assert_allclose(delta, [0.7526, 0.7526, 0.0], atol=2e-3)


def test_transit_depth_follows_limb_darkening():
    small = Binary((0.1, 0.01), (6000.0, 1000.0), 1e-3, 0.0)
    depth = binary_delta_mag(small, np.array([0.0]), np.array([2]))[0]
    # Centre over mean brightness is 1 / (1 - u/3); six discs approximate it to a few per cent.
    expected = 0.01 / (1 - 0.62 / 3)
    assert 1 - 10 ** (-0.4 * depth) == pytest.approx(expected, rel=0.06)


def test_roche_radius_of_equal_stars():
    # Table 1 of Eggleton (1983).
    assert roche_radius(1.0) == pytest.approx(0.3799, abs=2e-3)
    assert roche_radius(0.1) == pytest.approx(0.2054, abs=3e-3)


def test_contact_binaries_have_equal_minima_and_beta_lyrae_stars_unequal_ones():
    x = np.linspace(-0.5, 0.5, 201)

    def minima(name, seed):
        captured = CLASSES[name].template(
            np.random.default_rng(seed), Epochs(x * 0.0, np.full(x.size, 2), 1800.0)
        )
        time = np.linspace(0, captured.period_day, 2001)
        delta = (
            CLASSES[name]
            .template(np.random.default_rng(seed), Epochs(time, np.full(time.size, 2), 1800.0))
            .delta_mag
        )
        primary = np.argmax(delta)
        return delta[primary], delta[(primary + 1000) % 2000]

    for seed in range(5):
        deep, other = minima("ew", seed)
        assert deep - other < 0.25 * deep
        deep, other = minima("eb", seed)
        assert deep - other > 0.25 * deep


def test_damped_random_walk_forgets_with_its_time_scale():
    rng = np.random.default_rng(7)
    tau, lag = 200.0, 100.0
    walks = np.array([damped_random_walk(rng, np.array([lag, 0.0]), tau) for _ in range(20000)])
    # 20,000 draws: 1 % on variances and correlation.
    np.testing.assert_allclose(walks.var(axis=0), 1.0, rtol=0.04)
    assert np.mean(walks[:, 0] * walks[:, 1]) == pytest.approx(np.exp(-lag / tau), abs=0.03)


def test_damped_random_walk_bears_long_gaps_and_no_epochs():
    walk = damped_random_walk(np.random.default_rng(0), np.array([0.0, 1e6]), 0.03)
    assert np.isfinite(walk).all()
    assert damped_random_walk(np.random.default_rng(0), np.empty(0), 1.0).size == 0


def test_flares_only_brighten_and_most_in_the_blue():
    epochs = _epochs(20000)
    delta = CLASSES["flare"].template(np.random.default_rng(3), epochs).delta_mag
    assert delta.max() <= 0.0
    assert delta[epochs.filter_id == 1].min() < 2 * delta[epochs.filter_id == 3].min() < 0
    assert (delta < -0.05).mean() < 0.15


def test_dwarf_novae_have_outbursts_of_some_magnitudes():
    for seed in range(5):
        delta = _variation("cv", seed).delta_mag
        assert delta.min() < -1.5
        # In quiescence more than a third of the time.
        assert (np.abs(delta) < 0.8).mean() > 0.33


def test_miras_vary_by_more_than_two_and_a_half_magnitudes():
    epochs = _epochs()
    for seed in range(5):
        delta = CLASSES["mira"].template(np.random.default_rng(seed), epochs).delta_mag
        assert np.ptp(delta[epochs.filter_id == 2]) > 2.2
