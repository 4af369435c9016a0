import numpy as np
import pytest

from udfs.simulator import QuadrantSpec, simulate_stars
from udfs.simulator.photometry import detection_probability, true_error
from udfs.simulator.spec import Photometry

PHOTOMETRY = Photometry()


@pytest.fixture(scope="module")
def constants():
    spec = QuadrantSpec(690, n_stars=300, seed=2, class_mix={"constant": 1.0}, years=4)
    return simulate_stars(spec, 0, 300).light_curves.to_pylist()


def test_error_at_the_limit_is_a_fifth_of_a_magnitude_and_at_the_bright_end_the_floor():
    errors = true_error(np.array([20.5, 10.0]), np.array([20.5, 20.5]), PHOTOMETRY)
    # 5 sigma: 2.5 / ln(10) / 5 = 0.2171 mag.
    assert errors[0] == pytest.approx(np.hypot(0.012, 2.5 / np.log(10) / 5), rel=1e-3)
    assert errors[1] == pytest.approx(0.012, rel=0.01)


def test_sky_noise_doubles_with_each_0_75_mag_far_below_the_stars_own():
    pure_sky = Photometry(floor_mag=0.0, star_noise_share=0.0)
    bright, faint = true_error(np.array([18.0, 18.0 + 2.5 * np.log10(2)]), 20.0, pure_sky)
    assert faint / bright == pytest.approx(2.0)


def test_half_of_the_stars_are_lost_at_the_offset_above_the_limit():
    at = np.array([20.6, 15.0, 23.0])
    chance = detection_probability(at, np.full(3, 21.0), PHOTOMETRY)
    np.testing.assert_allclose(chance, [0.4975, 0.995, 0.0], atol=1e-3)


def test_published_errors_rise_from_one_to_twenty_hundredths(constants):
    mag = np.concatenate([row["mag"] for row in constants])
    err = np.concatenate([row["magerr"] for row in constants])
    for magnitude, low, high in ((14, 0.010, 0.020), (18, 0.02, 0.07), (20.6, 0.1, 0.25)):
        near = np.abs(mag - magnitude) < 0.25
        assert low < np.median(err[near]) < high
    faint_first = np.argsort(mag)[::-1]
    # Published errors are a fit against magnitude, one curve per filter.
    assert np.corrcoef(mag[faint_first], np.log(err[faint_first]))[0, 1] > 0.9


def test_scatter_of_constant_stars_is_what_their_errors_say(constants):
    ratios = []
    for row in constants:
        mag = np.array(row["mag"])
        if mag.size > 100 and np.median(mag) < 19.5:
            spread = 1.4826 * np.median(np.abs(mag - np.median(mag)))
            ratios.append(spread / np.median(row["magerr"]))
    # Robust spread of 100 to 700 normal draws is good to some 10 %.
    assert np.median(ratios) == pytest.approx(1.0, abs=0.06)
    assert 0.75 < np.min(ratios) and np.max(ratios) < 1.3


def test_outliers_and_flags_are_rare(constants):
    bright = [row for row in constants if np.median(row["mag"]) < 17]
    away = np.concatenate(
        [
            np.abs(np.array(row["mag"]) - np.median(row["mag"])) / np.array(row["magerr"])
            for row in bright
        ]
    )
    # 0.1 % are moved by 0.3 mag or more, 8 sigma at this brightness; normal noise never is.
    assert 0.0004 < (away > 8).mean() < 0.002
    flags = np.concatenate([row["catflags"] for row in constants])
    assert 0.01 < (flags == 32768).mean() < 0.2
    others = (flags != 0) & (flags != 32768)
    assert 0.001 < others.mean() < 0.006


def test_faint_stars_lose_epochs(constants):
    in_r = [row for row in constants if row["filterid"] == 2]
    n_epochs = np.array([row["nepochs"] for row in in_r])
    mag = np.array([np.median(row["mag"]) for row in in_r])
    bright, faint = n_epochs[mag < 17], n_epochs[mag > 20]
    assert np.ptp(bright) < 0.05 * bright.max()
    assert np.median(faint) < 0.8 * np.median(bright)


@pytest.mark.data
def test_errors_and_completeness_are_near_those_of_a_real_quadrant(data_dir, constants):
    pd = pytest.importorskip("pandas")
    real = pd.read_parquet(data_dir / "ztf_dr5_field" / "ztf_000250_zg_c01_q1_dr5.parquet")
    mag, err = np.concatenate(real.mag.to_list()), np.concatenate(real.magerr.to_list())
    ours = [row for row in constants if row["filterid"] == 1]
    our_mag = np.concatenate([row["mag"] for row in ours])
    our_err = np.concatenate([row["magerr"] for row in ours])
    for magnitude in np.arange(14.0, 21.0, 1.0):
        expected = np.median(err[np.abs(mag - magnitude) < 0.25])
        found = np.median(our_err[np.abs(our_mag - magnitude) < 0.25])
        # Field 250 stands low in the south, where depth is half a magnitude less.
        assert expected / 2.2 < found < expected * 1.3, magnitude
