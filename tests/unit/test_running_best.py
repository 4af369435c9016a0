import numpy as np
import pytest

from udfs.periodograms.running_best import RunningBest
from udfs.periodograms.running_peaks import RunningPeaks


def stretches(n, lengths):
    stops = np.cumsum(lengths)
    assert stops[-1] == n
    return [slice(stop - length, stop) for stop, length in zip(stops, lengths, strict=True)]


@pytest.mark.parametrize("lengths", [[500], [1, 2, 497], [100] * 5, [499, 1]])
@pytest.mark.parametrize("levels", [1000, 5])
def test_the_choice_is_that_from_the_whole_periodograms(rng, lengths, levels):
    # Few levels make many equal values: the first of them must win.
    ls, ce, theta = rng.integers(0, levels, (3, 500, 4)).astype(float)
    running = RunningBest(4, top_n=10)
    for part in stretches(500, lengths):
        running.add(ls[part], ce[part], theta[part])
    index, significance = running.choice()
    for s in range(4):
        top = np.union1d(
            np.argsort(-ls[:, s], kind="stable")[:10], np.argsort(ce[:, s], kind="stable")[:10]
        )
        nested = top[np.argmax(theta[top, s])]
        best = [np.argmax(ls[:, s]), np.argmin(ce[:, s]), np.argmax(theta[:, s]), nested]
        assert index[s].tolist() == best
        for k, values in enumerate((ls, ce, theta)):
            here = values[:, s]
            expected = abs(here.mean() - here[best[k]]) / here.std()
            assert significance[s, k] == pytest.approx(expected, rel=1e-12)
        assert significance[s, 3] == theta[nested, s]


@pytest.mark.parametrize("lengths", [[300], [1, 1, 298], [150, 150], [299, 1]])
def test_peaks_are_the_highest_local_maxima(rng, lengths):
    values = rng.integers(0, 40, (300, 3)).astype(np.float32)
    running = RunningPeaks(3, keep=12)
    for part in stretches(300, lengths):
        running.add(values[part])
    index, height = running.peaks()
    for s in range(3):
        v = values[:, s]
        maxima = 1 + np.flatnonzero((v[:-2] <= v[1:-1]) & (v[1:-1] > v[2:]))
        expected = np.sort(v[maxima])[::-1][:12]
        np.testing.assert_array_equal(height[s], expected)
        assert set(index[s]) <= set(maxima)
        np.testing.assert_array_equal(v[index[s]], height[s])


def test_missing_peaks_are_marked():
    running = RunningPeaks(1, keep=3)
    running.add(np.array([[0.0], [1.0], [0.0], [0.0]], np.float32))
    index, height = running.peaks()
    assert index.tolist() == [[1, -1, -1]]
    np.testing.assert_array_equal(height, [[1.0, np.nan, np.nan]])
