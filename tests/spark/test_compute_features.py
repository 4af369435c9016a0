import logging

import numpy as np
import pytest
from light_curve_files import bulk_row, write_bulk
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from jobs import compute_features, ingest_light_curves
from jobs.common.tables import Warehouse
from udfs.errors import ContractError
from udfs.schemas import FEATURES, NESTED, QUARANTINE, RUNS

# A grid up to 5 cycles a day: small, and the injected periods lie in it.
SURVEY = """
name = "ztf"
title = "ZTF, short grid"
filters = { 1 = 1 }
bands = { 1 = "g" }
[forms.bulk]
layout = "light_curves"
columns = { source_id = "objectid", filter = "filterid", field = "fieldid", rcid = "rcid", ra = "objra", dec = "objdec", hmjd = "hmjd", mag = "mag", magerr = "magerr", catflags = "catflags" }
[fields]
source = "input"
[ingest]
min_hmjd = 50000.0
max_hmjd = 2500000.0
[cleaning]
min_epochs = 50
min_gap_minutes = 0.5
[period_search]
max_freq_per_day = 5.0
"""  # noqa: E501


JD_0 = 2_400_000.5


@pytest.fixture(scope="module")
def sky(spark, tmp_path_factory):
    """A warehouse with three quadrants of light curves, some too short."""
    folder = tmp_path_factory.mktemp("features")
    (folder / "survey.toml").write_text(SURVEY)
    rows = [bulk_row(i, rcid=i % 3) for i in range(9)]
    rows += [bulk_row(20, n_epochs=49), bulk_row(21, catflags=[0] * 49 + [1] * 11)]
    # Julian dates in the second half of a light curve.
    mixed = np.array(bulk_row(22)["hmjd"])
    rows.append(bulk_row(22, hmjd=np.where(np.arange(60) < 30, mixed, mixed + JD_0).tolist()))
    path = write_bulk(folder / "in.parquet", rows)
    root = str(folder / "warehouse")
    ingest_light_curves.main(
        ["--warehouse", root, "--survey", str(folder / "survey.toml"), "--input", path]
    )
    compute_features.main(["--warehouse", root, "--survey", str(folder / "survey.toml")])
    return Warehouse(spark, root)


@pytest.fixture
def compute(sky, caplog):
    survey = sky.root.replace("warehouse", "survey.toml")

    def run(*more):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            compute_features.main(["--warehouse", sky.root, "--survey", survey, *more])
        return caplog.text

    return run


def test_injected_periods_come_back(sky):
    found = sky.read(FEATURES).select("source_id", f"period_{NESTED}").collect()
    assert len(found) == 9
    for source_id, period_day in found:
        true = 0.4 + 0.05 * (source_id % 10)
        # A sine has the same AOV at its multiples: the period or a small multiple of it.
        ratio = period_day / true
        assert abs(ratio - round(ratio)) < 0.01 and 1 <= round(ratio) <= 3


def test_unusable_light_curves_are_quarantined_and_the_account_adds_up(sky):
    found = sky.read(QUARANTINE).where("job = 'compute_features'")
    rows = found.select("source_id", "reason", "value").collect()
    days = JD_0 + np.ptp(bulk_row(22)["hmjd"])
    assert {tuple(r) for r in rows} == {
        (
            bulk_row(22)["objectid"],
            "baseline_too_long",
            f"{days:.1f} days from first to last epoch",
        ),
        (bulk_row(20)["objectid"], "too_few_epochs", "49 clean epochs"),
        (bulk_row(21)["objectid"], "too_few_epochs", "49 clean epochs"),
    }
    runs = sky.read(RUNS).where("job = 'compute_features'")
    total = runs.agg(F.sum("rows_in"), F.sum("rows_out"), F.sum("rows_quarantined")).first()
    assert tuple(total) == (12, 9, 3)
    expected = found.where("reason = 'baseline_too_long'").first()["expected"]
    assert expected == "40000 days or less: no Julian dates among modified ones"


def test_the_baseline_is_that_of_the_whole_quadrant(sky):
    """All curves of a quadrant share one grid; its size follows from the longest span."""
    rows = sky.read(FEATURES).groupBy("ccd", "quad").agg(F.collect_set("n_freq")).collect()
    assert len(rows) == 3
    for ccd, quad, sizes in rows:
        numbers = [i for i in range(9) if (ccd, quad) == (1, i % 3 + 1)]
        spans = [np.ptp(bulk_row(i)["hmjd"]) for i in numbers]
        # 10 points per peak from 2 / T to 5 cycles a day, less the excluded windows.
        whole = np.arange(np.ceil(10 * max(spans) * 5.0 - 20)) / (10 * max(spans)) + 2 / max(spans)
        (n_freq,) = sizes
        assert 0.8 * whole.size < n_freq < whole.size


def test_done_quadrants_are_skipped_and_a_repetition_changes_nothing(sky, compute):
    before = sky.read(FEATURES).drop("code_version")
    kept = sky.spark.createDataFrame(before.collect(), before.schema)
    assert "3 of 3 quadrants are done already" in compute()
    compute("--force", "--fields", "250", "--commit-rows", "1")
    assertDataFrameEqual(sky.read(FEATURES).drop("code_version"), kept)


def test_a_killed_job_goes_on_where_it_was(sky, compute, monkeypatch):
    """Killed after the second of three commits, in another mode so that nothing is done yet."""
    whole, calls = Warehouse.replace, []

    def die_at_third(self, rows, table, *, where):
        calls.append(table) if table is FEATURES else None
        if len(calls) == 3:
            raise KeyboardInterrupt
        whole(self, rows, table, where=where)

    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "replace", die_at_third)
        with pytest.raises(KeyboardInterrupt):
            compute("--mode", "scope-v0.9.5", "--commit-rows", "1")
    assert "2 of 3 quadrants are done already" in compute("--mode", "scope-v0.9.5")
    modes = sky.read(FEATURES).groupBy("mode").count().collect()
    assert [tuple(m) for m in modes] == [("scope-v0.9.5", 9)]


def test_a_field_without_sources_is_named(compute):
    with pytest.raises(ContractError, match=r"no sources of survey 'ztf' in fields \[251\]"):
        compute("--fields", "250,251")
