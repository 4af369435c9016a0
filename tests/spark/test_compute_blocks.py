"""compute_features on stars that share exposures, in two bands, in blocks."""

import numpy as np
import pytest
from light_curve_files import bulk_row, write_bulk
from pyspark.sql import functions as F

from jobs import compute_features, ingest_light_curves
from jobs.common.tables import Warehouse
from udfs.schemas import FEATURES

STARS, EXPOSURES = 70, {1: 90, 2: 70}
SURVEY = """
name = "ztf"
title = "ZTF, short grid"
filters = {{ 1 = 1, 2 = 2 }}
bands = {{ 1 = "g", 2 = "r" }}
[forms.bulk]
layout = "light_curves"
columns = {{ source_id = "objectid", filter = "filterid", field = "fieldid", rcid = "rcid", ra = "objra", dec = "objdec", hmjd = "hmjd", mag = "mag", magerr = "magerr", catflags = "catflags" }}
[fields]
source = "input"
[ingest]
min_hmjd = 58000.0
max_hmjd = 60000.0
[cleaning]
min_epochs = 50
min_gap_minutes = 0.5
[period_search]
max_freq_per_day = 4.0
[blocks]
stars = {stars}
"""  # noqa: E501


def rows() -> list[dict[str, object]]:
    """Stars in g, most of them in r as well, a third of an arcsec away."""
    rng = np.random.default_rng(5)
    exposures = {b: 58300 + np.sort(rng.uniform(0, 200, n)) for b, n in EXPOSURES.items()}
    made = []
    for star in range(STARS):
        period = rng.uniform(0.3, 0.9)
        for band in (1, 2)[: 1 if star % 7 == 0 else 2]:
            seen = rng.random(EXPOSURES[band]) < 0.9
            hmjd = exposures[band][seen] + rng.uniform(-3, 3, seen.sum()) / 86_400
            mag = 16 + 0.3 * np.sin(2 * np.pi * hmjd / period) + rng.normal(0, 0.02, hmjd.size)
            made.append(
                bulk_row(
                    1000 * band + star,
                    n_epochs=hmjd.size,
                    filterid=band,
                    objra=40.0 + 0.01 * star,
                    objdec=-26.0 + (band - 1) / 3 / 3600,
                    hmjd=hmjd.tolist(),
                    mag=mag.tolist(),
                )
            )
    return made


@pytest.fixture(scope="module", params=[512, 20])
def sky(request, spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"blocks{request.param}")
    (folder / "survey.toml").write_text(SURVEY.format(stars=request.param))
    root, survey = str(folder / "warehouse"), str(folder / "survey.toml")
    path = write_bulk(folder / "in.parquet", rows())
    ingest_light_curves.main(["--warehouse", root, "--survey", survey, "--input", path])
    compute_features.main(["--warehouse", root, "--survey", survey])
    return Warehouse(spark, root)


def test_every_light_curve_has_a_row_and_says_how_it_was_folded(sky):
    found = sky.read(FEATURES).groupBy("filter").agg(F.count("*"), F.collect_set("times")).collect()
    expected = [(1, STARS, ["shared"]), (2, STARS - STARS // 7, ["shared"])]
    assert sorted(tuple(r) for r in found) == expected


def test_both_bands_of_a_star_have_its_one_period(sky):
    table = sky.read(FEATURES).toPandas()
    table["star"] = (table["ra"] * 100).round().astype(int)
    stars = table.groupby("star")
    assert len(stars) == STARS
    assert (stars["period_BEST"].nunique() == 1).all()
    assert (table["period_status"] == "ok").all()
    # Most stars have other points of the grid as best ones in their two bands.
    assert (stars["period_ELS"].nunique() > 1).any()


def test_the_periods_fold_the_stars(sky):
    table = sky.read(FEATURES).select("source_id", "f1_power_BEST").toPandas()
    assert set(table["source_id"]) == {r["objectid"] for r in rows()}
    assert (table["f1_power_BEST"] > 0.95).mean() > 0.97
