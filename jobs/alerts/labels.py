"""The labelled alerts of a training: which there are, what they are, in which part they fall."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.production import load_production
from jobs.common.tables import Warehouse
from models.acai.alert_table import BRAAI, check_letters
from models.acai.scorer import AlertScorer
from models.splits import split_by_star
from udfs.alert_schemas import ALERTS, STAMPS
from udfs.alerts.cutouts import read_triplets
from udfs.alerts.metadata import DRB, FEATURES, complete, feature_matrix
from udfs.errors import ContractError

NONE, RB = "none", "rb"
INSTEAD = (NONE, RB, BRAAI)


@dataclass(frozen=True)
class LabelledAlerts:
    """What is known of the alerts of a training, without their stamps.

    Attributes
    ----------
    told : DataFrame
        One row per alert, sorted by candid: candid, objectId, letter, part and the 25 features.
    absent
        Labelled alerts that are not in the table.
    incomplete
        Labelled alerts with a gap in the features, which are left out.
    """

    told: pd.DataFrame
    absent: int
    incomplete: int


def labelled_alerts(
    warehouse: Warehouse, path: str, *, version: int, instead_of_drb: str | None, seed: int
) -> LabelledAlerts:
    """Join the table alerts with a file of labels.

    All alerts of a source fall into one part.

    Parameters
    ----------
    path : Parquet or CSV file with the columns candid and label, a letter
    version : of the table alerts
    instead_of_drb : {"none", "rb", "braai"} or None
        What fills a missing ``drb``; None if the features do not matter at all.

    Raises
    ------
    ContractError
        If the file or one of its columns is missing, an alert has two labels, a label is unknown,
        or no labelled alert is in the table.
    """
    labels = _labels_of(warehouse, path)
    reader = warehouse.spark.read.format("delta").option("versionAsOf", version)
    alerts = reader.load(warehouse.path(ALERTS))
    rows = alerts.select("candid", "objectId", "rb", *FEATURES)
    told = labels.join(rows, on="candid", how="left").toPandas()
    absent = int(told["objectId"].isna().sum())
    told = told.dropna(subset=["objectId"]).sort_values("candid", ignore_index=True)
    if told.empty:
        raise ContractError(
            f"{path}: none of its {absent} alerts is in the table alerts: ingest them first, or "
            "compare the candids"
        )
    instead = None
    if instead_of_drb == RB:
        instead = told["rb"].to_numpy(np.float64)
    elif instead_of_drb == BRAAI:
        instead = _scored_by_braai(warehouse, alerts, told)
    columns = {name: told[name].to_numpy(np.float64) for name in FEATURES}
    matrix = feature_matrix(columns, instead_of_drb=instead)
    whole = complete(matrix) if instead_of_drb else np.ones(len(told), dtype=np.bool_)
    told = told[["candid", "objectId", "letter"]].join(pd.DataFrame(matrix, columns=FEATURES))
    told["part"] = split_by_star(
        told["objectId"].tolist(), columns["ra"], columns["dec"], seed=seed
    )
    return LabelledAlerts(told[whole].reset_index(drop=True), absent, int((~whole).sum()))


def _scored_by_braai(
    warehouse: Warehouse, alerts: DataFrame, told: pd.DataFrame
) -> NDArray[np.float64]:
    """The score of the braai in production where ``drb`` is missing, NaN elsewhere."""
    scores = np.full(len(told), np.nan)
    gaps = np.flatnonzero(told[DRB].isna())
    if len(gaps):
        scorer = AlertScorer(load_production(warehouse, [BRAAI]))
        wanted = told.loc[gaps, ["candid"]]
        keys = warehouse.spark.createDataFrame(wanted, "candid bigint")
        stamps = alerts.join(keys, on="candid", how="left_semi").select("candid", *STAMPS).toArrow()
        images, _ = read_triplets(*(stamps.column(name).to_pylist() for name in STAMPS))
        features = np.full((len(images), len(FEATURES)), np.nan, dtype=np.float32)
        rows = np.searchsorted(told["candid"], stamps.column("candid").to_numpy())
        scores[rows] = scorer.score(features, images)[BRAAI]
    return scores


def _labels_of(warehouse: Warehouse, path: str) -> DataFrame:
    reader = warehouse.spark.read
    try:
        found = reader.csv(path, header=True) if path.endswith(".csv") else reader.parquet(path)
    except AnalysisException as error:
        raise ContractError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    for name in ("candid", "label"):
        if name not in found.columns:
            raise ContractError(
                f"{path}: column {name!r} is missing; there are: {', '.join(found.columns)}; "
                "expected candid and label (a letter of h, n, v, o, b)"
            )
    # try_cast: what is no number becomes null, and is named below.
    labels = found.select(
        F.expr("try_cast(candid AS bigint)").alias("candid"), F.col("label").alias("letter")
    ).distinct()
    letters = {str(row["letter"]) for row in labels.select("letter").distinct().collect()}
    check_letters(letters, where=path)
    if not labels.where("candid IS NULL").isEmpty():
        raise ContractError(f"{path}: a candid is missing or no integer")
    twice = labels.groupBy("candid").count().where("count > 1").first()
    if twice:
        raise ContractError(f"{path}: alert {twice['candid']} has {twice['count']} labels")
    return labels
