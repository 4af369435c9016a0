import numpy as np
import pyarrow.parquet as pq
import pytest

from udfs.features.dmdt import DM_EDGES, DT_EDGES_DAY, dmdt_histograms

ONE = np.array([0, 2])


def by_numpy(time, mag):
    i, j = np.triu_indices(time.size, 1)
    bins = [DM_EDGES, DT_EDGES_DAY]
    counts, _, _ = np.histogram2d(mag[j] - mag[i], time[j] - time[i], bins=bins)
    return counts / np.linalg.norm(counts)


@pytest.mark.oracle
def test_matches_the_oracle_exactly(oracle_curves, oracle_dir):
    expected = np.stack(pq.read_table(oracle_dir / "dmdt.parquet")["dmdt"].to_pylist())
    c = oracle_curves
    actual = dmdt_histograms(c.time, c.mag, c.offsets)
    np.testing.assert_array_equal(actual.reshape(len(expected), -1), expected)


def test_matches_histogram2d_on_values_that_sit_on_edges(rng):
    # Quarters are exact in float64, and many edges are multiples of them.
    time = np.sort(rng.integers(0, 10000, 200)) / 4.0
    mag = rng.integers(-20, 20, 200) / 4.0
    actual = dmdt_histograms(time, mag, np.array([0, 200]))[0]
    np.testing.assert_array_equal(actual, by_numpy(time, mag))


@pytest.mark.parametrize(
    ("dt", "dm", "cell"),
    [
        (1.0, 0.0, (13, 7)),  # lower edges belong to the bin
        (2000.0, 8.0, (25, 25)),  # the last edges too
        (0.01, -8.0, (0, 0)),
        (0.01, -0.1, (11, 0)),  # -0.1 is the lower edge of bin 11
    ],
)
def test_one_pair_lands_in_its_cell(dt, dm, cell):
    image = dmdt_histograms(np.array([0.0, dt]), np.array([0.0, dm]), ONE)[0]
    assert image[cell] == 1.0
    assert image.sum() == 1.0


@pytest.mark.parametrize(("dt", "dm"), [(2000.5, 0.0), (1.0, 8.1), (1.0, -8.1)])
def test_pairs_outside_are_dropped(dt, dm):
    assert not dmdt_histograms(np.array([0.0, dt]), np.array([0.0, dm]), ONE).any()


@pytest.mark.parametrize(("mode", "column"), [("fixed", 1), ("scope-v0.9.5", 0)])
def test_second_time_edge_depends_on_the_mode(mode, column):
    time = np.array([0.0, 0.027588])  # between 4/145 and 0.02759
    assert dmdt_histograms(time, np.zeros(2), ONE, mode=mode)[0, 13, column] == 1.0


def test_curves_without_pairs_are_zero():
    images = dmdt_histograms(np.array([1.0]), np.array([15.0]), np.array([0, 0, 1]))
    assert images.shape == (2, 26, 26)
    assert not images.any()


CADENCES = {
    "survey": lambda rng, n: np.floor(rng.uniform(0, 1700, n)) + rng.uniform(0, 0.35, n),
    "one night": lambda rng, n: rng.uniform(0, 0.3, n),
    "two decades": lambda rng, n: rng.uniform(0, 7300, n),
    "two visits far apart": lambda rng, n: (
        1900.0 * (rng.uniform(size=n) < 0.5) + rng.uniform(0, 0.2, n)
    ),
    "all at once": lambda rng, n: np.full(n, 7.0),
}


@pytest.mark.parametrize("cadence", CADENCES)
@pytest.mark.parametrize("n", [2, 3, 4, 5, 63, 64, 65, 257])
@pytest.mark.parametrize("scatter", [0.02, 0.5, 6.0])
def test_matches_histogram2d_on_any_cadence(rng, cadence, n, scatter):
    time = np.sort(CADENCES[cadence](rng, n))
    mag = rng.normal(17, scatter, n)
    actual = dmdt_histograms(time, mag, np.array([0, n]))[0]
    i, j = np.triu_indices(n, 1)
    counts, _, _ = np.histogram2d(mag[j] - mag[i], time[j] - time[i], bins=[DM_EDGES, DT_EDGES_DAY])
    np.testing.assert_array_equal(actual, counts / max(np.linalg.norm(counts), 1))


def test_equal_times_and_equal_magnitudes_are_counted_once(rng):
    time = np.sort(rng.integers(0, 30, 100)) / 4.0
    mag = rng.integers(0, 3, 100) / 20.0
    actual = dmdt_histograms(time, mag, np.array([0, 100]))[0]
    np.testing.assert_array_equal(actual, by_numpy(time, mag))


def test_pairs_with_nan_are_dropped(rng):
    time, mag = np.sort(rng.uniform(0, 1000, 60)), rng.normal(17, 0.3, 60)
    kept = np.arange(60) % 7 != 0
    with_nan = np.where(kept, mag, np.nan)
    np.testing.assert_array_equal(
        dmdt_histograms(time, with_nan, np.array([0, 60]))[0], by_numpy(time[kept], mag[kept])
    )


def test_curves_do_not_touch_their_neighbours(make_curves):
    c = make_curves(50, 0, 1, 300, 2)
    together = dmdt_histograms(c.time, c.mag, c.offsets)
    for i in (0, 3, 4):
        time, mag, _ = c.one(i)
        alone = dmdt_histograms(time, mag, np.array([0, time.size]))[0]
        np.testing.assert_array_equal(together[i], alone)
