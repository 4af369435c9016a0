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
