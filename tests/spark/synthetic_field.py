"""A small warehouse with two scored fields and a model set, made without any of the jobs."""

import io
import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pyspark.sql.types import StructType

from jobs.common.tables import Warehouse
from models import store
from models.metrics import label_metrics
from udfs.schemas import FEATURES, LIGHT_CURVES, NESTED, QUARANTINE, scores_table
from udfs.table import Table

Rows = list[dict[str, object]]
FILTERS = (1, 2, 3)


def light_curve_rows(field: int, n_stars: int, rng: np.random.Generator) -> Rows:
    """Sines in three bands; star ``k`` has period 0.3 + 0.1 k and the name ``star-FIELD-k``."""
    rows: Rows = []
    for star in range(n_stars):
        for number in FILTERS:
            n = int(rng.integers(60, 90) * (0.4 if number == 3 else 4))
            time = np.sort(58300.0 + rng.uniform(0, 1200, n))
            wave = 0.4 * np.sin(2 * np.pi * time / period_of(star))
            rows.append(
                identity(field, star, number)
                | {
                    "n_epochs": n,
                    "hmjd": time.tolist(),
                    "mag": (17.0 - 0.4 * number + wave + rng.normal(0, 0.04, n)).tolist(),
                    "magerr": np.full(n, 0.04).tolist(),
                    "catflags": [0] * n,
                    "input_file": f"file_{field}.parquet",
                }
            )
    return rows


def period_of(star: int) -> float:
    return 0.3 + 0.1 * star


def source_id(field: int, star: int, number: int) -> int:
    return field * 10**10 + number * 10**6 + star


def identity(field: int, star: int, number: int) -> dict[str, object]:
    return {
        "survey": "ztf", "field": field, "ccd": 1, "quad": 1, "filter": number,
        "source_id": source_id(field, star, number), "object_id": f"star-{field}-{star}",
        "ra": 10.0 + 0.01 * star, "dec": 30.0,
    }  # fmt: skip


def feature_rows(curves: Rows) -> Rows:
    kept = ("survey", "field", "ccd", "quad", "filter", "source_id", "object_id", "ra", "dec")
    return [
        {name: curve[name] for name in kept}
        | {f"period_{NESTED}": period_of(int(str(curve["object_id"]).split("-")[-1]))}
        for curve in curves
    ]


def score_rows(features: Rows, scores: dict[str, Sequence[float]]) -> Rows:
    """One row per row of features; ``scores`` maps a score column to its values."""
    return [
        {
            "survey": row["survey"], "field": row["field"], "ccd": 1, "quad": 1,
            "filter": row["filter"], "_id": row["source_id"], "obj_id": row["object_id"],
            "ra": row["ra"], "dec": row["dec"], "period": row[f"period_{NESTED}"],
            "status": "ok", "model_version": "abc123",
        }
        | {column: float(values[n]) for column, values in scores.items()}
        for n, row in enumerate(features)
    ]  # fmt: skip


def field_rows(
    labels: Sequence[str], *, field: int, n_stars: int, scores: dict[str, Sequence[float]]
) -> list[tuple[Table, Rows]]:
    """Light curves, features, scores and three refused rows of one field."""
    curves = light_curve_rows(field, n_stars, np.random.default_rng(field))
    features = feature_rows(curves)
    file = f"file_{field}.parquet"
    refused = [
        {
            "job": job, "unit": unit, "survey": "ztf", "input_file": file, "extent": extent,
            "reason": reason, "n_epochs": epochs,
        }
        for job, unit, extent, reason, epochs in (
            ("ingest_light_curves", file, "light_curve", "duplicate", None),
            ("ingest_light_curves", file, "epoch", "nan", 7),
            ("compute_features", f"ztf/{field}/1/1", "light_curve", "too_few_epochs", 20),
        )
    ]  # fmt: skip
    return [
        (LIGHT_CURVES, curves),
        (FEATURES, features),
        (scores_table(labels), score_rows(features, scores)),
        (QUARANTINE, refused),
    ]


def write_fields(warehouse: Warehouse, *fields: list[tuple[Table, Rows]]) -> None:
    """One commit per table for all fields: commits are what costs time here."""
    for parts in zip(*fields, strict=True):
        table = parts[0][0]
        rows = [row for _, rows in parts for row in rows]
        frame = warehouse.spark.createDataFrame(rows, StructType(list(table.schema)))
        warehouse.append(frame.coalesce(1), table)


def write_models(
    files: store.Files,
    test_part: pd.DataFrame,
    kinds: dict[str, str],
    *,
    algorithm: str = store.XGB,
) -> str:
    """A model set whose test part is ``test_part``: columns label to score of the store.

    Returns its version; its models are no models.
    """
    metrics, described = {}, {}
    for label, rows in test_part.groupby("label", sort=False, observed=True):
        metrics[label] = label_metrics(
            rows["target"].to_numpy(np.int8), rows["score"].to_numpy(np.float32),
            stars=rows["object_id"].tolist(), threshold=0.7, resamples=200,
        )  # fmt: skip
        positives = int(rows["target"].sum())
        described[label] = {
            "kind": kinds[str(label)],
            "file": "any.ubj",
            "output": 0,
            "counts": {
                "train": {"positive": 8 * positives, "negative": 8 * (len(rows) - positives)},
                "test": {"positive": positives, "negative": len(rows) - positives},
            },
        }
    importances = {
        label: {
            name: {"gain": 10.0 / n, "weight": 100.0 / n}
            for n, name in enumerate((f"period_{NESTED}", "skew", f"f1_amp_{NESTED}", "ad"), 1)
        }
        for label in described
    }
    parquet = io.BytesIO()
    test_part.to_parquet(parquet)
    contents = {
        "any.ubj": b"",
        store.METRICS: json.dumps([{"label": k, **v} for k, v in metrics.items()]).encode(),
        store.IMPORTANCES: json.dumps(importances).encode(),
        store.PREDICTIONS: parquet.getvalue(),
    }
    described_set = {
        "labels": described, "features": {"phenomenological": ["skew"], "ontological": ["skew"]},
        "split": "star", "seed": 42, "threshold": 0.7, "mode": "fixed", "surveys": ["ztf"],
        "stars": 40,
        "light_curves": 120,
    }  # fmt: skip
    return store.save(
        files, contents, algorithm=algorithm, described=described_set,
        informative={"code_version": "0.1.0"},
    )  # fmt: skip
