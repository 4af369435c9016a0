import numpy as np
import pyarrow as pa
import pytest

from udfs.checks.epochs import Bounds, epoch_problems
from udfs.checks.light_curves import check_light_curves
from udfs.checks.reasons import EPOCH_REASONS

BOUNDS = Bounds(min_hmjd=58000.0, max_hmjd=60000.0, min_mag=5.0, max_mag=25.0)
FILTERS = {"zg": 1, "zr": 2}
GOOD = {
    "source_id": 1,
    "filter": "zg",
    "ccd": 1,
    "quad": 2,
    "ra": 10.0,
    "dec": -20.0,
    "hmjd": [58001.0, 58002.0, 58003.0],
    "mag": [15.0, 15.1, 15.2],
    "magerr": [0.01, 0.02, 0.03],
    "catflags": [0, 0, 32768],
}
SCHEMA = pa.schema(
    [
        ("source_id", pa.int64()),
        ("filter", pa.string()),
        ("ccd", pa.int32()),
        ("quad", pa.int32()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("hmjd", pa.list_(pa.float64())),
        ("mag", pa.list_(pa.float64())),
        ("magerr", pa.list_(pa.float64())),
        ("catflags", pa.list_(pa.int32())),
    ]
)
NAN, INF = float("nan"), float("inf")


def check(*changes):
    rows = [{**GOOD, **change} for change in changes]
    return check_light_curves(pa.Table.from_pylist(rows, schema=SCHEMA), FILTERS, BOUNDS)


@pytest.mark.parametrize(
    ("change", "reason", "value"),
    [
        ({"source_id": None}, "missing_id", "null"),
        ({"filter": "zu"}, "unknown_filter", "zu"),
        ({"filter": None}, "unknown_filter", "None"),
        ({"ccd": 17}, "bad_quadrant", "ccd=17, quad=2"),
        ({"ra": 360.5}, "bad_position", "ra=360.5, dec=-20.0"),
        ({"dec": NAN}, "bad_position", "ra=10.0, dec=nan"),
        ({"mag": None}, "missing_array", "mag null"),
        ({"mag": [15.0]}, "unequal_lengths", "hmjd 3, mag 1, magerr 3, catflags 3"),
        ({"hmjd": [], "mag": [], "magerr": [], "catflags": []}, "no_epochs", "0 epochs"),
        ({"magerr": [0.0, -1.0, NAN]}, "no_usable_epochs", "magerr_not_finite: nan"),
    ],
)
def test_a_light_curve_that_cannot_be_used(change, reason, value):
    checked = check({}, change, {"source_id": 3})
    assert checked.keep.tolist() == [True, False, True]
    assert checked.problems[0] == checked.problems[2] == []
    (problem,) = checked.problems[1]
    assert (problem["extent"], problem["reason"]) == ("light_curve", reason)
    assert problem["value"] == value
    assert checked.epochs["hmjd"].to_pylist() == [GOOD["hmjd"], [], GOOD["hmjd"]]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("hmjd", NAN, "time_not_finite"),
        ("hmjd", INF, "time_not_finite"),
        ("hmjd", -2409998.5, "time_out_of_range"),
        ("hmjd", None, "time_not_finite"),
        ("mag", -INF, "mag_not_finite"),
        ("mag", 99.99, "mag_out_of_range"),
        ("magerr", NAN, "magerr_not_finite"),
        ("magerr", 0.0, "magerr_not_positive"),
        ("magerr", -0.01, "magerr_not_positive"),
    ],
)
def test_an_epoch_that_cannot_be_used(column, value, reason):
    values = list(GOOD[column])
    values[1] = value
    checked = check({column: values})
    assert checked.keep.tolist() == [True]
    (problem,) = checked.problems[0]
    assert (problem["extent"], problem["reason"], problem["n_epochs"]) == ("epoch", reason, 1)
    left = [row for i, row in enumerate(GOOD["catflags"]) if i != 1]
    assert checked.epochs["catflags"].to_pylist() == [left]


def test_unsorted_epochs_are_sorted_together():
    order = [2, 0, 1]
    change = {c: [GOOD[c][i] for i in order] for c in ("hmjd", "mag", "magerr", "catflags")}
    checked = check(change)
    assert checked.problems == [[]]
    assert checked.epochs["hmjd"].to_pylist() == [GOOD["hmjd"]]
    assert checked.epochs["catflags"].to_pylist() == [GOOD["catflags"]]


def test_of_two_epochs_at_one_time_the_first_stays():
    checked = check({"hmjd": [58002.0, 58001.0, 58002.0]})
    assert checked.epochs["hmjd"].to_pylist() == [[58001.0, 58002.0]]
    assert checked.epochs["catflags"].to_pylist() == [[0, 0]]
    (problem,) = checked.problems[0]
    assert (problem["reason"], problem["catflags"]) == ("duplicate_epoch", [32768])


def test_equal_times_of_neighbouring_curves_are_no_duplicates():
    one = {"hmjd": [58001.0], "mag": [15.0], "magerr": [0.1], "catflags": [0]}
    assert check(one, one).problems == [[], []]


def test_every_epoch_is_accounted_for():
    rng = np.random.default_rng(3)
    changes = []
    for _ in range(50):
        n = int(rng.integers(0, 20))
        changes.append(
            {
                "hmjd": rng.choice([58001.0, 58002.0, NAN, 1.0, 58003.5], n).tolist(),
                "mag": rng.choice([15.0, 16.0, INF, 99.0], n).tolist(),
                "magerr": rng.choice([0.1, 0.0, NAN], n).tolist(),
                "catflags": [0] * n,
            }
        )
    checked = check(*changes)
    kept = [len(epochs) for epochs in checked.epochs["hmjd"].to_pylist()]
    aside = [sum(p["n_epochs"] for p in problems) for problems in checked.problems]
    assert [k + a for k, a in zip(kept, aside, strict=True)] == checked.n_epochs_in.tolist()


def test_the_first_reason_of_the_list_is_the_one_given():
    nothing = np.array([NAN])
    curve = np.zeros(1, dtype=np.int64)
    problem = epoch_problems(nothing, nothing, nothing, curve, bounds=BOUNDS)
    assert EPOCH_REASONS[problem[0]].name == "time_not_finite"
