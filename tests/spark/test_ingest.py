import logging
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from light_curve_files import BULK, bulk_row, write_bulk
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from jobs import ingest_light_curves
from udfs.errors import ContractError
from udfs.schemas import LIGHT_CURVES, QUARANTINE, RUNS, SOURCES


@pytest.fixture
def ingest(warehouse, caplog):
    def run(*paths, survey="ztf", more=()):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            ingest_light_curves.main(
                ["--warehouse", warehouse.root, "--survey", survey, "--input", *paths, *more]
            )
        return caplog.text

    return run


def account(log_text):
    """Both lines of the account as numbers: in, out, quarantined."""
    lines = re.findall(r"([\d,]+) in = ([\d,]+) out \+ ([\d,]+) quarantined", log_text)
    return [tuple(int(n.replace(",", "")) for n in line) for line in lines]


def test_rows_in_are_rows_out_and_rows_quarantined(ingest, warehouse, tmp_path):
    nan, n = float("nan"), 60
    far = bulk_row(3)
    far["hmjd"][0] = -2409998.5
    zero = bulk_row(4)
    zero["magerr"][:2] = [0.0, -1.0]
    rows = [
        bulk_row(1),
        bulk_row(2, filterid=9),
        far,
        zero,
        bulk_row(5, mag=[nan] * n),
        bulk_row(6, mag=[15.0]),
        bulk_row(7, rcid=64),
        bulk_row(1),
    ]
    path = write_bulk(tmp_path / "mixed.parquet", rows)
    text = ingest(path)

    assert account(text) == [(8, 3, 5), (8 * n, 3 * n - 3, 5 * n + 3)]
    found = warehouse.read(QUARANTINE).select("row", "extent", "reason", "value", "n_epochs")
    assert {tuple(r) for r in found.collect()} == {
        (1, "light_curve", "unknown_filter", "9", n),
        (2, "epoch", "time_out_of_range", "-2409998.5", 1),
        (3, "epoch", "magerr_not_positive", "0.0", 2),
        (4, "light_curve", "no_usable_epochs", "mag_not_finite: nan", n),
        (5, "light_curve", "unequal_lengths", f"hmjd {n}, mag 1, magerr {n}, catflags {n}", n),
        (6, "light_curve", "bad_quadrant", "ccd=-1, quad=-1", n),
        (7, "light_curve", "duplicate_source", "250101100000001", n),
    }
    run = warehouse.read(RUNS).select("rows_in", "rows_out", "rows_quarantined").first()
    assert tuple(run) == (8, 3, 5)


def test_values_arrive_unchanged(ingest, warehouse, tmp_path):
    row = bulk_row(11, rcid=61, filterid=2)
    ingest(write_bulk(tmp_path / "one.parquet", [row]))
    curve = warehouse.read(LIGHT_CURVES).first()
    assert (curve.source_id, curve.field, curve.ccd, curve.quad, curve.filter) == (
        row["objectid"], 250, 16, 2, 2,
    )  # fmt: skip
    assert curve.hmjd == row["hmjd"]
    assert curve.mag == pytest.approx(row["mag"], rel=1e-6)  # float32
    source = warehouse.read(SOURCES).first()
    assert source.ra == pytest.approx(row["objra"], abs=1e-5)  # float32 in the input
    assert source.object_id == curve.object_id
    assert source.object_id.startswith("ZTFJ0240")


def test_a_repetition_changes_nothing(ingest, warehouse, tmp_path):
    path = write_bulk(tmp_path / "a.parquet", [bulk_row(1), bulk_row(2), bulk_row(3, filterid=7)])
    ingest(path)
    before = {t.name: warehouse.read(t).collect() for t in (LIGHT_CURVES, SOURCES, QUARANTINE)}
    assert "1 of 1 files are done already" in ingest(path)
    ingest(path, more=["--force"])
    for table in (LIGHT_CURVES, SOURCES, QUARANTINE):
        assertDataFrameEqual(
            warehouse.read(table), warehouse.spark.createDataFrame(before[table.name], table.schema)
        )


def test_a_newer_version_of_a_light_curve_replaces_the_older(ingest, warehouse, tmp_path):
    ingest(write_bulk(tmp_path / "dr1.parquet", [bulk_row(1), bulk_row(2)]))
    ingest(write_bulk(tmp_path / "dr2.parquet", [bulk_row(1, n_epochs=0) | bulk_row(9) | {
        "objectid": bulk_row(1)["objectid"]}, bulk_row(3)]))  # fmt: skip
    curves = warehouse.read(LIGHT_CURVES)
    assert curves.count() == 3
    one = curves.where(F.col("source_id") == bulk_row(1)["objectid"]).first()
    assert one.hmjd == bulk_row(9)["hmjd"]


def test_a_job_killed_between_two_tables_ends_with_the_same_tables(
    ingest, warehouse, tmp_path, monkeypatch
):
    path = write_bulk(tmp_path / "a.parquet", [bulk_row(i) for i in range(5)])
    whole = type(warehouse).upsert

    def die_at_sources(self, rows, table, **options):
        if table is SOURCES:
            raise KeyboardInterrupt
        whole(self, rows, table, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(warehouse), "upsert", die_at_sources)
        with pytest.raises(KeyboardInterrupt):
            ingest(path)
    ingest(path)
    assert warehouse.read(LIGHT_CURVES).count() == warehouse.read(SOURCES).count() == 5
    assert warehouse.read(LIGHT_CURVES).select("source_id").distinct().count() == 5


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            pa.schema([f.with_name("hjmd") if f.name == "hmjd" else f for f in BULK]),
            "column 'hmjd' (an array of numbers) is missing; did you mean 'hjmd'?",
        ),
        (
            BULK.set(BULK.get_field_index("mag"), pa.field("mag", pa.string())),
            "column 'mag' is string, expected an array of numbers",
        ),
    ],
)
def test_a_broken_contract_stops_before_the_first_task(
    ingest, warehouse, tmp_path, schema, message
):
    path = tmp_path / "bad.parquet"
    pq.write_table(schema.empty_table().slice(0), path)
    table = pa.Table.from_arrays([pa.nulls(1, f.type) for f in schema], schema=schema)
    pq.write_table(table, path)
    with pytest.raises(ContractError, match=re.escape(message)) as error:
        ingest(str(path))
    assert "bad.parquet" in str(error.value)
    assert not warehouse.exists(LIGHT_CURVES)


def test_empty_and_truncated_files_are_named_and_the_others_go_on(ingest, warehouse, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_bulk(folder / "good.parquet", [bulk_row(1)])
    write_bulk(folder / "norows.parquet", [])
    (folder / "zero.parquet").write_bytes(b"")
    whole = (folder / "good.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ContractError, match="3 of 4 files could not be read"):
        ingest(str(folder))
    assert warehouse.read(LIGHT_CURVES).count() == 1
    found = warehouse.read(QUARANTINE).select(
        F.element_at(F.split("input_file", "/"), -1), "extent", "reason"
    )
    assert {tuple(r) for r in found.collect()} == {
        ("norows.parquet", "file", "empty_file"),
        ("zero.parquet", "file", "empty_file"),
        ("cut.parquet", "file", "unreadable_file"),
    }


def test_nothing_there_is_an_error(ingest, tmp_path):
    with pytest.raises(ContractError, match=r"no file ending in \.parquet"):
        ingest(str(tmp_path / "nowhere"))


def test_one_row_per_epoch(ingest, warehouse, tmp_path):
    """IRSA's form: HJD, filter names, rows of several sources mixed."""
    rows = []
    for number, name in ((1, "zg"), (2, "zr")):
        curve = bulk_row(number, n_epochs=5)
        for k in range(5):
            rows.append(
                {
                    "oid": curve["objectid"],
                    "filtercode": name,
                    "field": 250,
                    "ccdid": 3,
                    "qid": 4,
                    "ra": curve["objra"],
                    "dec": curve["objdec"],
                    "hjd": curve["hmjd"][k] + 2400000.5,
                    "mag": float("nan") if (number, k) == (2, 3) else curve["mag"][k],
                    "magerr": 0.02,
                    "catflags": k,
                }
            )
    rows = rows[::2] + rows[1::2]
    path = tmp_path / "irsa.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert account(ingest(str(path))) == [(2, 2, 0), (10, 9, 1)]
    first, second = warehouse.read(LIGHT_CURVES).orderBy("source_id").collect()
    # HJD in double precision is good to 5e-10 day.
    assert first.hmjd == pytest.approx(bulk_row(1, n_epochs=5)["hmjd"], abs=1e-9)
    assert (first.ccd, first.quad, first.filter, second.filter) == (3, 4, 1, 2)
    assert second.catflags == [0, 1, 2, 4]


def test_another_survey_with_positions_in_a_second_file(ingest, warehouse, data_dir):
    folder = data_dir / "eros1_lmc"
    text = ingest(
        str(folder / "lightcurves.parquet"),
        survey="eros1_lmc",
        more=["--positions", str(folder / "objects.parquet")],
    )
    (curves_in, out, aside), _ = account(text)
    assert (curves_in, out + aside) == (5824, 5824)
    sources = warehouse.read(SOURCES)
    # The LMC bar lies in one pixel of order 1, or two at its edge.
    assert 1 <= sources.select("field").distinct().count() <= 2
    assert sources.select("source_id").distinct().count() == out


def test_a_survey_without_files_says_where_its_light_curves_come_from(ingest, tmp_path):
    write_bulk(tmp_path / "one.parquet", [bulk_row(1)])
    with pytest.raises(ContractError, match="ztf_alerts has no files: fold_night"):
        ingest(str(tmp_path), survey="ztf_alerts")
