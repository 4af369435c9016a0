import re

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import BooleanType, DoubleType, StructType

from udfs.alert_schemas import ALERT_SCORES, MORE_NUMBERS, SCORED_ALERTS
from udfs.alerts.metadata import FEATURES
from udfs.alerts.quality import CUTS

GOOD = {"rb": 0.9, "drb": 0.9, "nbad": 0.0, "fwhm": 2.1, "elong": 1.1, "magdiff": 0.02,
        "isdiffpos": True, "distpsnr1": 8.0, "sgscore1": 0.9, "ssdistnr": -999.0}  # fmt: skip
# What is changed of a good alert -> the cuts that fail then; at the threshold it passes.
FAILING = [
    ({}, set()),
    ({"rb": 0.65, "drb": 0.5, "fwhm": 5.0, "elong": 1.2, "magdiff": -0.1}, set()),
    ({"rb": 0.64}, {"rb"}),
    ({"rb": 0.54}, {"rb", "rb_loose"}),
    ({"drb": 0.49}, {"drb"}),
    ({"nbad": 1.0}, {"nbad"}),
    ({"fwhm": 5.1}, {"fwhm"}),
    ({"elong": 1.3}, {"elong"}),
    ({"elong": 1.5}, {"elong", "elong_loose"}),
    ({"magdiff": -0.2}, {"magdiff"}),
    ({"magdiff": 0.5}, {"magdiff", "magdiff_loose"}),
    ({"isdiffpos": False}, {"positive"}),
    ({"distpsnr1": 1.4}, {"no_star", "no_sure_star"}),
    ({"distpsnr1": 1.9}, {"no_sure_star"}),
    ({"distpsnr1": 1.4, "sgscore1": 0.6}, {"no_star"}),
    ({"distpsnr1": 1.4, "sgscore1": 0.4}, set()),
    ({"distpsnr1": -999.0, "sgscore1": -999.0}, set()),
    ({"ssdistnr": 4.0}, {"no_solar_system", "no_solar_system_wide"}),
    ({"ssdistnr": 19.0}, {"no_solar_system_wide"}),
    ({"ssdistnr": 20.0}, set()),
]
# Without a number, its cuts say nothing.
SILENT = {
    "rb": {"rb", "rb_loose"}, "drb": {"drb"}, "nbad": {"nbad"}, "fwhm": {"fwhm"},
    "elong": {"elong", "elong_loose"}, "magdiff": {"magdiff", "magdiff_loose"},
    "isdiffpos": {"positive"}, "ssdistnr": {"no_solar_system", "no_solar_system_wide"},
    "distpsnr1": {"no_star", "no_sure_star"}, "sgscore1": set(),
}  # fmt: skip


def columns_of(expression):
    return set(re.findall(r"[a-z_]\w*", expression)) - {"abs"}


def test_cuts_read_numbers_that_every_scored_alert_has():
    known = {"rb", "isdiffpos", *FEATURES, *MORE_NUMBERS} - set(ALERT_SCORES)
    for name, cut in CUTS.items():
        assert columns_of(cut.expression) <= known, name
        assert re.search(r"\d{4}|/", cut.source), name
        assert f"cut_{name}" in SCORED_ALERTS.schema.names


def answers(spark: SparkSession, alerts):
    schema = StructType()
    for name in GOOD:
        schema.add(name, BooleanType() if name == "isdiffpos" else DoubleType())
    rows = spark.createDataFrame([tuple(a.values()) for a in alerts], schema)
    chosen = rows.selectExpr(*[f"{cut.expression} AS {name}" for name, cut in CUTS.items()])
    assert {f.dataType for f in chosen.schema.fields} == {BooleanType()}
    return [row.asDict() for row in chosen.coalesce(1).collect()]


def test_each_cut_at_its_threshold_and_without_its_number(spark):
    spoiled = [GOOD | changes for changes, _ in FAILING]
    missing = [GOOD | {name: None} for name in SILENT]
    found = answers(spark, spoiled + missing)
    for (changes, failing), row in zip(FAILING, found, strict=False):
        assert {n for n, passed in row.items() if passed is False} == failing, changes
        assert None not in row.values(), changes
    for name, row in zip(SILENT, found[len(FAILING) :], strict=True):
        assert {n for n, passed in row.items() if passed is None} == SILENT[name], name
        assert False not in row.values(), name
    assert set().union(*(failing for _, failing in FAILING)) == set(CUTS)


@pytest.mark.parametrize("strict", [n for n in CUTS if f"{n}_loose" in CUTS])
def test_a_loose_cut_keeps_what_its_strict_one_keeps(spark, strict):
    column = columns_of(CUTS[strict].expression).pop()
    alerts = [GOOD | {column: 0.05 * i - 1.0} for i in range(60)]
    rows = answers(spark, alerts)
    assert all(row[f"{strict}_loose"] for row in rows if row[strict])
    assert sum(row[f"{strict}_loose"] for row in rows) > sum(row[strict] for row in rows)
