import numpy as np
import pytest

from udfs.stars import BlockSettings, blocks_of_stars, same_star

ARCSEC = 1 / 3600


def test_curves_are_of_one_star_by_name_or_by_position():
    names = np.array(["b", "a", "b", "c", "d", "e"])
    ra = np.array([10.0, 50.0, np.nan, 10.0, 10.0, 10.0])
    dec = np.array(
        [20.0, 20.0, np.nan, 20.0 + 1.2 * ARCSEC, 20.0 + 2.4 * ARCSEC, 20.0 + ARCSEC * 9]
    )
    # c lies 1.2 arcsec from b and d 1.2 from c: a chain. e lies too far from all.
    assert same_star(names, ra, dec).tolist() == [1, 0, 1, 1, 1, 2]


def test_positions_are_compared_on_the_sphere():
    # At 80 degrees of declination, 6 arcsec of right ascension are 1.04 on the sky; and the sky is
    # round: 0 and 360 degrees meet.
    names = np.array(["a", "b", "c"])
    ra = np.array([0.0, 6 * ARCSEC, 360 - 6 * ARCSEC])
    assert same_star(names, ra, np.full(3, 80.0)).tolist() == [0, 0, 0]
    assert same_star(names, ra, np.full(3, 10.0)).tolist() == [0, 1, 2]


def test_the_numbers_do_not_depend_on_the_order_of_rows(rng):
    names = np.array([f"s{i}" for i in rng.permutation(50)])
    ra, dec = rng.uniform(0, 0.02, (2, 50))
    star = same_star(names, ra, dec)
    order = rng.permutation(50)
    np.testing.assert_array_equal(same_star(names[order], ra[order], dec[order]), star[order])
    assert set(star) == set(range(star.max() + 1))


def test_no_curves_make_no_stars():
    none = np.empty(0)
    assert same_star(none.astype(str), none, none).size == 0
    assert blocks_of_stars(np.empty(0, int), np.empty(0, int), BlockSettings()).size == 0


@pytest.mark.parametrize(("stars", "most"), [(1000, 300), (1, 512), (512, 512), (513, 512)])
def test_blocks_are_of_even_size_and_hold_whole_stars(stars, most):
    star = np.repeat(np.arange(stars), 2)
    block = blocks_of_stars(star, np.full(star.size, 100), BlockSettings(stars=most))
    sizes = np.bincount(block[::2])
    assert sizes.max() <= most
    assert sizes.max() - sizes.min() <= 1
    assert sizes.size == -(-stars // most)
    np.testing.assert_array_equal(block[::2], block[1::2])


def test_long_light_curves_make_smaller_blocks():
    star = np.arange(1000)
    settings = BlockSettings(stars=1000, megabytes=10)
    short = blocks_of_stars(star, np.full(1000, 100), settings)
    long = blocks_of_stars(star, np.full(1000, 20_000), settings)
    assert short.max() == 0
    # 56 bytes a cell: nine stars of 20,000 epochs in 10 MB.
    assert np.bincount(long).max() <= 9


@pytest.mark.parametrize("wrong", [{"stars": 0}, {"megabytes": 0}])
def test_a_block_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=0, expected 1 or more"):
        BlockSettings(**wrong)
