"""A features table whose labels are known: two stars in three can be told apart by one feature."""

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from jobs.common.tables import Warehouse
from udfs.schemas import FEATURES, LABELS

# Each class stands out in one feature; "plain" stars in none.
CLASSES = {"rrab": "stetson_k", "ea": "skew", "plain": None}
N_STARS = 360


def feature_rows(
    n_stars: int = N_STARS, *, seed: int = 1, survey: str = "toy", fields: tuple[int, ...] = (7, 8)
) -> pd.DataFrame:
    """Two light curves per star, in filters 1 and 2; all features around 0 with a spread of 1.

    The column ``class`` is the truth, and no column of the table.
    """
    rng = np.random.default_rng(seed)
    n = 2 * n_stars
    star = np.repeat(np.arange(n_stars), 2)
    rows = {}
    for field in FEATURES.schema:
        kind = field.dataType.simpleString()
        rows[field.name] = rng.normal(size=n) if kind == "double" else [None] * n
    rows = pd.DataFrame(rows)
    # The catalogues have not been matched.
    context = [c for c in rows if c.split("__")[0] in ("AllWISE", "Gaia_EDR3", "PS1_DR1")]
    rows[context] = None
    rows[["n_ztf_alerts", "mean_ztf_alert_braai"]] = None
    names = np.array(list(CLASSES))[star % len(CLASSES)]
    for name, feature in CLASSES.items():
        if feature:
            rows.loc[names == name, feature] += 5.0
    rows["survey"] = survey
    rows["field"] = np.array(fields)[star % 2]
    rows["ccd"], rows["quad"] = 1, 2
    rows["filter"] = np.tile([1, 2], n_stars)
    rows["source_id"] = 10**15 + np.arange(n) + 10_000 * seed
    rows["object_id"] = [f"star{seed}_{i:04d}" for i in star]
    rows["ra"], rows["dec"] = star * 0.5, star * 0.1
    rows["mode"], rows["backend"], rows["code_version"] = "fixed", "cpu", "test"
    rows["n_freq"], rows["input_hash"] = 1000, np.arange(n)
    return rows.assign(**{"class": names})


def write_features(warehouse: Warehouse, rows: pd.DataFrame) -> None:
    columns = [field.name for field in FEATURES.schema]
    data = rows[columns].astype(object).where(rows[columns].notna(), None)
    survey = rows["survey"].iloc[0]
    frame = warehouse.spark.createDataFrame(list(data.itertuples(index=False)), FEATURES.schema)
    warehouse.replace(frame, FEATURES, where=f"survey = '{survey}'")


def write_labels(warehouse: Warehouse, rows: pd.DataFrame) -> None:
    """Leaves as given and zeros for the other class, as ingest_labels would."""
    stars = rows[["survey", "object_id", "class"]].drop_duplicates()
    said = [
        (star.survey, star.object_id, label, float(star["class"] == label), "test")
        for _, star in stars.iterrows()
        for label in ("rrab", "ea")
    ]
    labels = warehouse.spark.createDataFrame(said, LABELS.schema)
    warehouse.replace(labels, LABELS, where=f"survey = '{rows['survey'].iloc[0]}'")


def toy_warehouse(spark: SparkSession, root: str) -> Warehouse:
    warehouse = Warehouse(spark, root)
    rows = feature_rows()
    write_features(warehouse, rows)
    write_labels(warehouse, rows)
    return warehouse
