import math
from dataclasses import replace

import pytest
from made_scored_alerts import FIRST_CANDID, scored_alerts

from jobs.common.config import CONF
from streaming.filters import AlertFilter, check_filters, read_filters
from streaming.publish import matching
from udfs.errors import ContractError

SHIPPED = {each.name: each for each in read_filters(CONF / "filters")}

SUPERNOVA = {
    "acai_h": 0.9, "acai_b": 0.05, "acai_n": 0.05, "acai_v": 0.05, "acai_o": 0.05, "ndethist": 4.0,
    "isdiffpos": True, "ssdistnr": -999.0,
}  # fmt: skip
OUTBURST = {
    "known_object_id": "star", "known_amp": 0.5, "known_labels": {"cv": 0.1}, "isdiffpos": True,
    "braai": 0.9, "distnr": 0.5, "magnr": 18.0, "magpsf": 17.0,
}  # fmt: skip
CLEAN = {f"cut_{name}": True for name in ("nbad", "fwhm", "elong", "magdiff")}
ANOMALY = {**CLEAN, "anomaly": "unclassified"}
RR_LYRAE = {"known_object_id": "star", "known_labels": {"rrlyr": 0.8, "puls": 0.9}}

# filter -> a row that passes, and changes that each stop it.
CASES = {
    "supernova": (
        SUPERNOVA,
        [
            {"acai_h": 0.75},
            {"acai_h": math.nan},
            *[{f"acai_{c}": value} for c in "bnvo" for value in (0.125, None, math.nan)],
            {"ndethist": 5.0},
            {"ndethist": None},
            {"isdiffpos": False},
            {"isdiffpos": None},
            {"ssdistnr": 12.0},
            {"ssdistnr": 0.0},
        ],
    ),
    "variable_outburst": (
        OUTBURST,
        [
            {"known_object_id": None, "known_labels": None, "known_amp": None},
            {"isdiffpos": False},
            {"braai": 0.6},
            {"braai": None},
            {"distnr": 2.0},
            {"distnr": -999.0},
            {"magnr": None},
            # 1 mag below the reference's 18: 0.364 mag brighter, which is within 0.5 + 0.5.
            {"magpsf": 19.0},
            {"known_amp": 1.0},
            {"known_amp": None},
        ],
    ),
    "anomalies": (ANOMALY, [{"anomaly": None}, {"cut_nbad": None}, {"cut_fwhm": False}]),
    "rr_lyrae": (RR_LYRAE, [{"known_labels": {"rrlyr": 0.6}}, {"known_labels": {"puls": 0.9}},
                            {"known_labels": {}}, {"known_labels": None}]),
}  # fmt: skip


def passed(spark, filters, rows):
    """Filter and place in the list of rows."""
    found = matching(scored_alerts(spark, rows), filters).collect()
    return sorted((row["filter"], row["candid"] - FIRST_CANDID) for row in found)


def test_the_shipped_filters_fit_the_table(spark):
    check_filters(spark, list(SHIPPED.values()))
    assert set(CASES) == set(SHIPPED)


@pytest.mark.parametrize("name", CASES)
def test_each_condition_of_a_shipped_filter_counts(spark, name):
    good, changes = CASES[name]
    rows = [good, *[{**good, **change} for change in changes]]
    assert passed(spark, [SHIPPED[name]], rows) == [(name, 0)]


def test_other_ways_into_the_filters_of_known_variables(spark):
    ways = {
        "variable_outburst": [
            # Fainter than the reference, but a cataclysmic variable; no reference at all.
            {**OUTBURST, "known_labels": {"cv": 0.9}, "magpsf": 20.0},
            {**OUTBURST, "known_labels": {"fla": 0.75}, "magnr": None, "distnr": None},
        ],
        "rr_lyrae": [{**RR_LYRAE, "known_labels": {name: 0.75}} for name in
                     ("rrlyr", "rrab", "rrc", "rrd", "rrblz")],
        "supernova": [{**SUPERNOVA, "ssdistnr": None}],
    }  # fmt: skip
    for name, rows in ways.items():
        assert passed(spark, [SHIPPED[name]], rows) == [(name, i) for i in range(len(rows))]


def test_an_alert_passes_as_many_filters_as_fit(spark):
    rows = [{**SUPERNOVA, **RR_LYRAE}, RR_LYRAE, {}]
    found = passed(spark, list(SHIPPED.values()), rows)
    assert found == [("rr_lyrae", 0), ("rr_lyrae", 1), ("supernova", 0)]


def test_an_undefined_number_passes_no_comparison(spark):
    bright = AlertFilter("late", "-", "lc_span_day > 10 OR magap > 0", "late", "0")
    rows = [{"lc_span_day": math.nan}, {"magap": math.nan}, {"lc_span_day": 11.0}]
    assert passed(spark, [bright], rows) == [("late", 2)]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("acai_hh > 0.8", "x.toml: where: scored_alerts has no column 'acai_hh'; "
                          "did you mean 'acai_h'?"),
        ("acai_h > > 0.8", "x.toml: where is not SQL"),
        ("acai_h", "x.toml: where is float, expected boolean"),
        ("objectId", "x.toml: where is string, expected boolean"),
        ("count(*) > 1", "x.toml: where cannot be evaluated on a row"),
        ("nosuch(acai_h) > 1", "x.toml: where cannot be evaluated on a row"),
    ],
)  # fmt: skip
def test_a_condition_that_makes_no_sense_is_named_before_the_stream_starts(spark, where, message):
    bad = replace(SHIPPED["supernova"], name="x", where=where)
    with pytest.raises(ContractError) as error:
        check_filters(spark, [SHIPPED["supernova"], bad])
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
