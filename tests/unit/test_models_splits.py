import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from models.splits import TEST, TRAIN, UNUSED, VALIDATION, split_by_light_curve, split_by_star


def stars(n, curves=2):
    """Stars a degree or so apart, each with the same number of light curves."""
    rng = np.random.default_rng(5)
    names = np.repeat([f"star{i:05d}" for i in range(n)], curves)
    ra = np.repeat(rng.uniform(0, 360, n), curves)
    dec = np.repeat(np.rad2deg(np.arcsin(rng.uniform(-1, 1, n))), curves)
    return names, ra, dec


def test_all_light_curves_of_a_star_are_in_one_part():
    names, ra, dec = stars(500, curves=3)
    part = split_by_star(names, ra, dec).reshape(-1, 3)
    assert (part == part[:, :1]).all()


def test_parts_are_81_9_and_10_percent():
    names, ra, dec = stars(20_000, curves=1)
    part = split_by_star(names, ra, dec)
    share = np.bincount(part, minlength=3) / len(part)
    # Four standard deviations of a binomial share of 20,000.
    np.testing.assert_allclose(share, [0.81, 0.09, 0.10], atol=4 * np.sqrt(0.81 * 0.19 / 20_000))


def test_adding_stars_and_shuffling_moves_no_star():
    names, ra, dec = stars(1000)
    part = dict(zip(names, split_by_star(names, ra, dec), strict=True))
    few = np.random.default_rng(1).permutation(600)
    again = split_by_star(names[few], ra[few], dec[few])
    assert [part[name] for name in names[few]] == list(again)


@pytest.mark.parametrize(("sep_arcsec", "linked"), [(1.4, True), (1.6, False)])
@pytest.mark.parametrize("dec_deg", [0.0, 60.0, 89.9])
def test_stars_within_one_and_a_half_arcsec_are_one_star(sep_arcsec, linked, dec_deg):
    n = 300
    sep = np.rad2deg(2 * np.arcsin(np.sin(np.deg2rad(sep_arcsec / 3600) / 2)
                                   / np.cos(np.deg2rad(dec_deg))))  # fmt: skip
    ra = np.repeat(np.arange(n) * 1.0, 2)
    ra[1::2] += sep
    names = [f"{'ab'[i % 2]}{i // 2}" for i in range(2 * n)]
    part = split_by_star(names, ra, np.full(2 * n, dec_deg)).reshape(n, 2)
    assert (part[:, 0] == part[:, 1]).all() == linked


def test_links_cross_the_zero_of_right_ascension_and_chain():
    names = [f"n{i}" for i in range(300)]
    ra = (np.arange(300) - 150) * 1.2 / 3600 % 360
    assert len(set(split_by_star(names, ra, np.zeros(300)))) == 1


def test_unknown_positions_link_nothing():
    names, _, _ = stars(2000, curves=1)
    nowhere = np.full(2000, np.nan)
    assert set(split_by_star(names, nowhere, nowhere)) == {TRAIN, VALIDATION, TEST}


def test_another_seed_gives_an_independent_split():
    names, ra, dec = stars(5000, curves=1)
    one, two = split_by_star(names, ra, dec, seed=1), split_by_star(names, ra, dec, seed=2)
    both = np.mean((one == TEST) & (two == TEST))
    assert both == pytest.approx(0.01, abs=0.006)


def test_light_curve_split_is_that_of_scope():
    target = np.array([0, 1, -1, 0, 1] * 40, dtype=np.int8)
    # Their code: indices of the positives, then of the negatives, split twice.
    indices = [*np.where(target == 1)[0], *np.where(target == 0)[0]]
    train, test = train_test_split(indices, shuffle=True, test_size=0.1, random_state=42)
    train, val = train_test_split(train, shuffle=True, test_size=0.1, random_state=42)
    part = split_by_light_curve(target)
    assert set(np.flatnonzero(part == TRAIN)) == set(train)
    assert set(np.flatnonzero(part == VALIDATION)) == set(val)
    assert set(np.flatnonzero(part == TEST)) == set(test)
    assert (part[target == -1] == UNUSED).all()
