"""Features -> scores with every label in one pass. No reads, no writes, no session."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.scorer import STATUS, scorer_of
from models.store import ModelSet
from udfs.schemas import BEST, CATALOGUE_IDS, NESTED, Table

# Building XGBoost's input costs as much for 1,000 rows as for some 10,000: small Arrow batches
# are joined. 20,000 rows of 61 features are 10 MB.
BATCH_ROWS = 20_000


def with_scores(
    features: DataFrame,
    models: Broadcast[ModelSet],
    *,
    scores: Table,
    code_version: str,
    threads: int = 1,
) -> DataFrame:
    """One row of the scores table per row of features.

    Parameters
    ----------
    features : DataFrame
        Rows of the features table.
    models : Broadcast of ModelSet
        Unpacked once per Python worker, not once per batch or label.
    scores : Table
        The scores table; labels without a model get null.
    """
    model_set = models.value
    version, inputs = model_set.version, list(model_set.imputer.features)
    told = [
        F.col("survey"),
        F.col("source_id").alias("_id"),
        F.col("object_id").alias("obj_id"),
        *[F.coalesce(F.col(name), F.lit(0)).alias(name) for name in CATALOGUE_IDS],
        F.col("ra"),
        F.col("dec"),
        F.coalesce(f"period_{BEST}", f"period_{NESTED}").alias("period"),
        *[F.col(name) for name in ("field", "ccd", "quad", "filter")],
    ]
    rows = features.select(*told, *inputs)
    names = rows.columns[: len(told)]
    labels = list(model_set.labels)
    produced = [*names, *[f"{name}_xgb" for name in labels], STATUS]

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer = scorer_of(version, lambda: models.value, threads=threads)
        for batch in _joined(batches):
            found = scorer.score(batch.select(inputs).to_pandas())
            columns = [batch.column(name) for name in names]
            # from_pandas: a score that was not computed is null, not NaN.
            columns += [
                pa.array(found[name].to_numpy(np.float32), pa.float32(), from_pandas=True)
                for name in labels
            ]
            columns.append(pa.array(found[STATUS], pa.string()))
            yield pa.RecordBatch.from_arrays(columns, names=produced)

    types = {field.name: field.dataType.simpleString() for field in scores.schema}
    schema = ", ".join(f"`{name}` {types[name]}" for name in produced)
    missing = [
        F.lit(None).cast(field.dataType).alias(field.name)
        for field in scores.schema
        if field.name not in produced and field.name not in ("model_version", "code_version")
    ]
    return rows.mapInArrow(score, schema).select(
        "*",
        *missing,
        F.lit(version).alias("model_version"),
        F.lit(code_version).alias("code_version"),
    )


def _joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at least ``BATCH_ROWS``, but for the last."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(b.num_rows for b in waiting) >= BATCH_ROWS:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)
