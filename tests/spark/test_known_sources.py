import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix
from scipy.special import expit, logit

from jobs.build_known_sources import main
from jobs.common.config import CONF
from jobs.common.tables import Warehouse
from models.taxonomy import read_taxonomy
from streaming.known import with_known_source
from udfs.alert_schemas import KNOWN_SOURCES, SCORED_ALERTS
from udfs.errors import ContractError
from udfs.schemas import FEATURES, RUNS, scores_table

SCORES = scores_table(read_taxonomy(CONF / "labels.toml").scored)
KNOWN = [name for name in SCORED_ALERTS.schema.names if name.startswith("known_")]

# Light curves: object_id, ra, dec, then what differs.
CURVES = [
    # Two bands on both sides of RA 0; the longer one decides, unless it has no value.
    ("turn", 359.9999, 10.0, {"filter": 1, "n": 60.0, "period_BEST": 0.5, "i90r": 0.25}),
    ("turn", 0.0001, 10.0, {"filter": 2, "n": 50.0, "period_BEST": 0.5, "i90r": 0.75}),
    # The statistic is undefined in the longer curve; there is only the nested choice.
    ("gaps", 120.0, -30.0, {"filter": 1, "n": 90.0, "i90r": math.nan,
                            "period_BEST": math.nan, "period_ELS_ECE_EAOV": 2.0}),
    ("gaps", 120.0, -30.0, {"filter": 2, "n": 70.0, "i90r": 0.5, "period_ELS_ECE_EAOV": 3.0}),
    ("nowhere", None, None, {"n": 80.0, "period_BEST": 1.0, "i90r": 0.5}),
    ("unscored", 121.0, -30.0, {"n": 80.0, "period_BEST": 1.5, "i90r": 0.5}),
    ("pole", 33.0, 90.0, {"n": 80.0, "i90r": 0.5}),
]  # fmt: skip
SCORED = [
    ("turn", {"vnv_xgb": 0.75, "vnv_dnn": 0.5, "rrab_xgb": 0.25, "ea_dnn": 0.375}),
    ("turn", {"vnv_xgb": 0.25, "vnv_dnn": 0.875, "rrab_dnn": 0.625, "model_version": "dnn-2"}),
    ("gaps", {"vnv_xgb": 0.5}),
    ("gaps", {}),
    ("nowhere", {"vnv_xgb": 1.0}),
    ("pole", {"vnv_xgb": 0.25}),
]


def write(warehouse, survey="toy", curves=CURVES, scored=SCORED):
    def rows(schema, found):
        return warehouse.spark.createDataFrame(
            [[row.get(name) for name in schema.names] for row in found], schema
        )

    place = {"survey": survey, "field": 1, "ccd": 0, "quad": 0, "filter": 1}
    features = [
        {**place, "source_id": i, "object_id": star, "ra": ra, "dec": dec, "input_hash": i, **told}
        for i, (star, ra, dec, told) in enumerate(curves)
    ]
    scores = [
        {**place, "_id": i, "obj_id": star, "model_version": "dnn-1,xgb-1", **told}
        for i, (star, told) in enumerate(scored)
    ]
    where = f"survey = '{survey}'"
    warehouse.replace(rows(FEATURES.schema, features), FEATURES, where=where)
    warehouse.replace(rows(SCORES.schema, scores), SCORES, where=where)


def stars_of(warehouse, survey="toy"):
    rows = warehouse.read(KNOWN_SOURCES).where(f"survey = '{survey}'").collect()
    assert len({r["object_id"] for r in rows}) == len(rows)
    return {r["object_id"]: r for r in rows}


@pytest.fixture(scope="module")
def built(spark, tmp_path_factory):
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("known") / "warehouse"))
    write(warehouse)
    main(["--warehouse", warehouse.root])
    return warehouse


def test_each_star_has_one_row_at_its_mean_position(built):
    stars = stars_of(built)
    assert sorted(stars) == ["gaps", "pole", "turn", "unscored"]
    expected = {"turn": (0.0, 10.0), "gaps": (120.0, -30.0), "unscored": (121.0, -30.0),
                "pole": (33.0, 90.0)}  # fmt: skip
    sky = HEALPix(2**29, order="nested")
    for name, (ra, dec) in expected.items():
        row = stars[name]
        here = SkyCoord(row["ra"] * u.deg, row["dec"] * u.deg)
        # The middle of an arc between two places of one declination bulges by 1e-5 arcsec.
        assert here.separation(SkyCoord(ra * u.deg, dec * u.deg)).arcsec < 1e-4
        assert 0 <= row["ra"] < 360
        assert row["healpix"] == sky.lonlat_to_healpix(here.ra, here.dec)
        assert row["pixel"] == HEALPix(2**4, order="nested").lonlat_to_healpix(here.ra, here.dec)


def test_period_and_amplitude_are_those_of_the_longest_curve_that_has_them(built):
    found = {name: (row["period_day"], row["amp"]) for name, row in stars_of(built).items()}
    assert found == {"turn": (0.5, 0.25), "gaps": (2.0, 0.5), "unscored": (1.5, 0.5),
                     "pole": (None, 0.5)}  # fmt: skip


def test_labels_have_the_mean_logit_of_all_curves_by_the_surest_model(built):
    stars = stars_of(built)
    by_networks = expit((logit(0.5) + logit(0.875)) / 2)
    assert stars["turn"]["labels"] == pytest.approx({"vnv": by_networks, "rrab": 0.625})
    assert stars["turn"]["model_version"] == "dnn-1,dnn-2,xgb-1"
    assert stars["gaps"]["labels"] == {"vnv": 0.5}
    assert stars["pole"]["labels"] == {}
    assert stars["unscored"]["labels"] is None and stars["unscored"]["model_version"] is None


def test_unchanged_surveys_are_skipped_and_others_replaced_alone(built):
    def runs():
        done = built.read(RUNS).where("job = 'build_known_sources'").collect()
        return [(r["unit"], r["rows_in"], r["rows_out"], r["rows_quarantined"]) for r in done]

    before = stars_of(built)
    main(["--warehouse", built.root])
    assert runs() == [("toy", 5, 4, 1)]
    write(built, "other", CURVES[:2], SCORED[:1])
    main(["--warehouse", built.root])
    assert sorted(runs()) == [("other", 1, 1, 0), ("toy", 5, 4, 1)]
    assert stars_of(built) == before
    # Another model scored one star.
    write(built, scored=[("turn", {"vnv_xgb": 0.75, "model_version": "xgb-2"}), *SCORED[1:]])
    main(["--warehouse", built.root])
    assert len(runs()) == 3
    assert stars_of(built)["turn"]["model_version"] == "dnn-2,xgb-2"
    main(["--warehouse", built.root, "--survey", "toy", "--above", "0.75"])
    assert stars_of(built)["turn"]["labels"] == pytest.approx({"vnv": 0.875})
    assert stars_of(built)["gaps"]["labels"] == {}
    with pytest.raises(ContractError, match="survey 'ztf' has no features; there are: other, toy"):
        main(["--warehouse", built.root, "--survey", "ztf"])


def test_stars_of_one_folder_lie_in_the_order_of_the_sky(spark, warehouse):
    rng = np.random.default_rng(5)
    curves = [(f"s{i}", float(ra), float(dec), {}) for i, (ra, dec) in enumerate(
        rng.uniform((100, 20), (104, 24), (400, 2)))]  # fmt: skip
    write(warehouse, "toy", curves, [("s0", {})])
    main(["--warehouse", warehouse.root])
    files = sorted(Path(warehouse.path(KNOWN_SOURCES)).glob("pixel=*/*.parquet"))
    parts = [pq.ParquetFile(f).read(["healpix"])["healpix"].to_numpy() for f in files]
    assert sum(map(len, parts)) == 400 and len(files) < 15
    assert all((np.diff(part) > 0).all() for part in parts)


# Places where cells and coordinates are odd.
CORNER_DEC = float(np.degrees(np.arcsin(2 / 3)))
PLACES = [(0.0, 90.0), (0.0, -90.0), (0.0, 1.0), (90.0, CORNER_DEC), (211.0, -33.0), (359.9999, 80)]


def sky(n_stars, n_alerts):
    """Stars crowded at odd places and alerts near some of them; as SkyCoord."""
    rng = np.random.default_rng(6)
    ra, dec = np.repeat(np.array(PLACES, dtype=float), n_stars // len(PLACES), axis=0).T
    centre = SkyCoord(ra * u.deg, dec * u.deg)
    stars = centre.directional_offset_by(
        rng.uniform(0, 360, ra.size) * u.deg, np.sqrt(rng.uniform(0, 1, ra.size)) * 40 * u.arcsec
    )
    near = stars[rng.integers(0, ra.size, n_alerts)]
    return stars, near.directional_offset_by(
        rng.uniform(0, 360, n_alerts) * u.deg, rng.uniform(0, 3, n_alerts) * u.arcsec
    )


def known_sources(spark, stars):
    pixel, healpix = (
        HEALPix(2**order, order="nested").lonlat_to_healpix(stars.ra, stars.dec)
        for order in (4, 29)
    )
    rows = [
        (int(p), int(h), "toy", f"star{i}", float(c.ra.deg), float(c.dec.deg), i / 4, i / 8,
         {"vnv": 0.75}, "xgb-1")
        for i, (p, h, c) in enumerate(zip(pixel, healpix, stars, strict=True))
    ]  # fmt: skip
    return spark.createDataFrame(rows, KNOWN_SOURCES.schema)


def alert_rows(spark, alerts):
    candid = 3 * 10**18 + 1 + np.arange(len(alerts))
    table = pa.table({"other": candid % 7, "candid": candid, "ra": alerts.ra.deg,
                      "dec": alerts.dec.deg})  # fmt: skip
    return spark.createDataFrame(table)


def test_the_nearest_star_within_the_radius_is_found(spark):
    stars, alerts = sky(600, 900)
    expected, separation, _ = alerts.match_to_catalog_sky(stars)
    rows = alert_rows(spark, alerts)
    joined = with_known_source(rows, known_sources(spark, stars))
    assert joined.columns == ["other", "candid", "ra", "dec", *KNOWN]
    types = {f.name: f.dataType for f in SCORED_ALERTS.schema}
    assert all(joined.schema[name].dataType == types[name] for name in KNOWN)
    found = sorted(joined.collect(), key=lambda row: row["candid"])
    assert [row[:4] for row in found] == [tuple(row) for row in rows.collect()]
    n_found = 0
    for row, star, arcsec in zip(found, expected, separation.arcsec, strict=True):
        assert abs(arcsec - 1.5) > 1e-6
        if arcsec > 1.5:
            assert all(row[name] is None for name in KNOWN)
            continue
        n_found += 1
        assert row["known_object_id"] == f"star{star}"
        assert row["known_sep_arcsec"] == pytest.approx(arcsec, abs=1e-6)
        assert (row["known_period_day"], row["known_amp"]) == (star / 4, star / 8)
        assert (row["known_labels"], row["known_version"]) == ({"vnv": 0.75}, "xgb-1")
    assert 300 < n_found < 800


def test_alerts_without_position_or_star_pass_through(spark):
    rows = [(1, None, None), (2, math.nan, 5.0), (3, 10.0, math.nan), (4, 10.0, 95.0),
            (5, 200.0, 5.0), (6, 120.0, -30.0), (7, 480.0, -30.0)]  # fmt: skip
    alerts = spark.createDataFrame(rows, "candid long, ra double, dec double")
    known = known_sources(spark, SkyCoord([120.0, 10.0] * u.deg, [-30.0, 85.0] * u.deg))
    found = with_known_source(alerts, known).select("candid", "known_object_id").collect()
    assert sorted(map(tuple, found)) == [*[(i, None) for i in range(1, 6)], (6, "star0"),
                                         (7, "star0")]  # fmt: skip
    assert with_known_source(alerts.where("candid < 5"), known).count() == 4
    assert with_known_source(alerts.where("false"), known).count() == 0


def test_without_a_table_all_is_unknown(spark):
    alerts = spark.createDataFrame([(1, 120.0, -30.0)], "candid long, ra double, dec double")
    joined = with_known_source(alerts, None)
    assert joined.collect() == [(1, 120.0, -30.0, *[None] * len(KNOWN))]
    assert [joined.schema[n].dataType for n in KNOWN] == [
        SCORED_ALERTS.schema[n].dataType for n in KNOWN
    ]


def test_of_two_entries_at_one_place_always_the_same_is_taken_and_rows_stay_single(spark):
    twice = SkyCoord([120.0, 120.0] * u.deg, [-30.0, -30.0] * u.deg)
    alerts = spark.createDataFrame([(1, 120.0, -30.0)] * 2, "candid long, ra double, dec double")
    found = with_known_source(alerts, known_sources(spark, twice)).collect()
    assert [row["known_object_id"] for row in found] == ["star0", "star0"]


def test_wide_rows_are_not_shuffled(spark):
    stars, alerts = sky(60, 40)
    joined = with_known_source(alert_rows(spark, alerts), known_sources(spark, stars))
    plan = joined._jdf.queryExecution().executedPlan().toString()
    assert "BroadcastExchange" in plan
    assert "Exchange hashpartitioning" not in plan
