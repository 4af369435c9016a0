import numpy as np
import pytest

from udfs.cleaning import CleaningSettings, clean_epochs

MINUTE = 1 / 1440


def clean(minutes, *, flags=None, offsets=None, mag=None, magerr=None, **settings):
    time = 59000.0 + np.asarray(minutes, float) * MINUTE
    n = time.size
    t, m, e, o = clean_epochs(
        time,
        np.arange(n, dtype=np.float32) if mag is None else np.asarray(mag, np.float32),
        np.ones(n, np.float32) if magerr is None else np.asarray(magerr, np.float32),
        np.zeros(n, np.int32) if flags is None else np.asarray(flags, np.int32),
        np.array([0, n] if offsets is None else offsets, np.int64),
        settings=CleaningSettings(**settings),
    )
    return np.rint((t - 59000) / MINUTE).astype(int).tolist(), m.tolist(), e, o.tolist()


def test_gap_is_counted_from_the_last_kept_epoch():
    # A rule on neighbours would drop 40 (11 min after 29) and 100, 111, 122 altogether.
    minutes, mag, _, _ = clean([0, 20, 29, 40, 69, 71, 100, 111, 122, 133])
    assert minutes == [0, 40, 71, 111]
    assert mag == [0, 3, 5, 7]


def test_a_gap_of_exactly_the_limit_is_kept():
    # Days that float64 holds exactly.
    t, _, _, _ = clean_epochs(
        np.array([100.0, 100.25, 100.5, 100.625]),
        np.zeros(4),
        np.ones(4),
        np.zeros(4, np.int64),
        np.array([0, 4]),
        settings=CleaningSettings(min_gap_minutes=360.0),
    )
    assert t.tolist() == [100.0, 100.25, 100.5]


def test_flagged_epochs_do_not_hide_their_neighbours():
    minutes, _, _, _ = clean([0, 60, 70, 120], flags=[0, 32768, 0, 1])
    assert minutes == [0, 70]


def test_flag_mask_chooses_the_bits_that_matter():
    minutes, _, _, _ = clean([0, 60, 120, 180], flags=[1, 2, 3, 0], flag_mask=2)
    assert minutes == [0, 180]


def test_epochs_are_sorted_within_their_curve():
    minutes, mag, _, offsets = clean([300, 100, 200, 90, 30], offsets=[0, 3, 5])
    assert minutes == [100, 200, 300, 30, 90]
    assert mag == [1, 2, 0, 4, 3]
    assert offsets == [0, 3, 5]


def test_cutoff_includes_its_own_time():
    minutes, _, _, _ = clean([0, 720, 1440], max_hmjd=59000.5)
    assert minutes == [0, 720]


def test_curves_do_not_thin_each_other_and_empty_ones_stay():
    minutes, _, _, offsets = clean(
        [0, 60, 61, 120, 10], flags=[0, 0, 1, 1, 0], offsets=[0, 2, 2, 4, 5]
    )
    assert minutes == [0, 60, 10]
    assert offsets == [0, 2, 2, 2, 3]


def test_epochs_without_a_usable_number_are_dropped():
    minutes, _, _, _ = clean(
        [0, 60, np.nan, 180, 240, 300],
        mag=[15, np.nan, 15, 15, 15, np.inf],
        magerr=[0.1, 0.1, 0.1, 0.0, 0.1, 0.1],
    )
    assert minutes == [0, 240]


def test_result_is_float64_and_the_input_untouched():
    time = np.array([2.0, 1.0])
    time.flags.writeable = False
    out = clean_epochs(
        time,
        np.array([1.1, 2.2], np.float32),
        np.ones(2, np.float32),
        np.zeros(2, np.int16),
        np.array([0, 2]),
        settings=CleaningSettings(),
    )
    assert [a.dtype for a in out] == [np.float64, np.float64, np.float64, np.int64]
    assert time.tolist() == [2.0, 1.0]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"catflags has shape \(3,\), but offsets end at 4"):
        clean([0, 60, 120, 180], flags=[0, 0, 0])
