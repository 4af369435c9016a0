"""Features -> scores with all models in one pass. No reads, no writes, no session."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.scorer import STATUS, images_of, scorer_of
from models.store import XGB, ModelSet
from udfs.schemas import BEST, CATALOGUE_IDS, NESTED
from udfs.table import Table

# Building XGBoost's input costs as much for 1,000 rows as for some 10,000: small Arrow batches
# are joined. 20,000 rows of 61 features are 10 MB, and 54 MB more with their images.
BATCH_ROWS = 20_000


def with_scores(
    features: DataFrame,
    models: Broadcast[Sequence[ModelSet]],
    *,
    scores: Table,
    code_version: str,
    threads: int = 1,
) -> DataFrame:
    """One row of the scores table per row of features.

    Parameters
    ----------
    features : DataFrame
        Rows of the features table; their images are read only if a network is among the models.
    models : Broadcast of model sets
        Unpacked once per Python worker, not once per batch or label.
    scores : Table
        The scores table; labels without a model get null.
    """
    sets = models.value
    key, version = scoring_key(sets), model_version(sets)
    inputs = list(dict.fromkeys(f for each in sets for f in _inputs_of(each)))
    images = ["dmdt"] if any(each.algorithm != XGB for each in sets) else []
    outputs = output_columns(sets)
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
    rows = features.select(*told, *inputs, *images)
    names = rows.columns[: len(told)]
    produced = [*names, *outputs, STATUS]

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer = scorer_of(key, lambda: models.value, threads=threads)
        for batch in joined(batches, BATCH_ROWS):
            found = scorer.score(
                batch.select(inputs).to_pandas(),
                images_of(batch.column("dmdt")) if images else None,
            )
            columns = [batch.column(name) for name in names]
            # from_pandas: a score that was not computed is null, not NaN.
            columns += [
                pa.array(found[name].to_numpy(np.float32), pa.float32(), from_pandas=True)
                for name in outputs
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


def model_version(sets: Sequence[ModelSet]) -> str:
    """The sets that score, as in the rows: ``dnn-<version>,xgb-<version>``."""
    return ",".join(sorted(each.name for each in sets))


def output_columns(sets: Sequence[ModelSet]) -> list[str]:
    """The columns of the scores that the sets fill."""
    return [f"{label}_{each.algorithm}" for each in sets for label in each.labels]


def scoring_key(sets: Sequence[ModelSet]) -> str:
    """All that the scores depend on: the same sets can score with other labels of theirs."""
    return ";".join(sorted(f"{each.name}:{','.join(each.labels)}" for each in sets))


def joined(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at least ``rows``, but for the last."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(b.num_rows for b in waiting) >= rows:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def _inputs_of(model_set: ModelSet) -> Sequence[str]:
    return model_set.imputer.features if model_set.imputer else ()
