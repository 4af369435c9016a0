"""Catalogues of classified stars as DataFrames, and what their classes say as labels."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from jobs.common.files import list_files
from models.class_map import ClassMap
from models.taxonomy import Taxonomy
from udfs.checks.reasons import Reason
from udfs.errors import ContractError

UNKNOWN_CLASS = Reason("unknown_class", "class", "a class of the map in conf/labels")
LABEL_LIST = "labels"


def read_catalogue(
    spark: SparkSession, path: str, *, id_column: str, class_column: str
) -> DataFrame:
    """One row per star: object_id and class, null where the catalogue gives none.

    Parameters
    ----------
    path : str
        Parquet, or CSV with a header if the name ends in .csv or .csv.gz.
    class_column : str
        A column of text, or one of lists of labels: the labels of all rows of a star, sorted and
        joined by commas, then stand for its class.

    Raises
    ------
    ContractError
        If the file or a column is not there, or a star has two classes.
    """
    if path.endswith((".csv", ".csv.gz")):
        rows = spark.read.csv(list_files(spark, path, suffix=""), header=True)
    else:
        rows = spark.read.parquet(*list_files(spark, path, suffix=".parquet"))
    for column in (id_column, class_column):
        if column not in rows.columns:
            raise ContractError(
                f"{path}: there is no column {column!r}; there are: {', '.join(rows.columns)}"
            )
    named = rows.select(
        F.col(id_column).cast("string").alias("object_id"), F.col(class_column).alias("class")
    ).where(F.col("object_id").isNotNull())
    if isinstance(named.schema["class"].dataType, ArrayType):
        labels = F.array_sort(F.array_distinct(F.flatten(F.collect_list("class"))))
        return named.groupBy("object_id").agg(F.array_join(labels, ",").alias("class"))
    # A catalogue may list a star once per light curve.
    stars = named.dropDuplicates()
    twice = stars.groupBy("object_id").count().where("count > 1").orderBy("object_id").take(1)
    if twice:
        raise ContractError(
            f"{path}: {twice[0]['object_id']} has {twice[0]['count']} different classes; expected "
            "one class per star"
        )
    return stars


def label_rows(
    catalogue: DataFrame, mapped: ClassMap, taxonomy: Taxonomy, *, survey: str, origin: str
) -> DataFrame:
    """Rows of the table ``labels``: what the map says of each star; unknown classes drop out."""
    said = [
        (name, label, float(probability))
        for name in mapped.classes
        for label, probability in mapped.of_class(name, taxonomy).items()
    ]
    meaning = catalogue.sparkSession.createDataFrame(
        said, "class string, label string, probability float"
    )
    return catalogue.join(F.broadcast(meaning), on="class", how="inner").select(
        F.lit(survey).alias("survey"),
        "object_id",
        "label",
        "probability",
        F.lit(origin).alias("origin"),
    )


def unknown_classes(catalogue: DataFrame, known: Sequence[str]) -> DataFrame:
    """Stars whose class the map does not know, or that have none."""
    return catalogue.where(F.col("class").isNull() | ~F.col("class").isin(list(known)))


def quarantined(unknown: DataFrame, *, job: str, unit: str, survey: str) -> DataFrame:
    """Those stars as rows of the table ``quarantine``."""
    nothing = F.lit(None)
    return unknown.select(
        F.lit(job).alias("job"),
        F.lit(unit).alias("unit"),
        F.lit(survey).alias("survey"),
        F.lit("star").alias("extent"),
        F.lit(UNKNOWN_CLASS.name).alias("reason"),
        F.lit(unit).alias("input_file"),
        nothing.cast("long").alias("row"),
        nothing.cast("long").alias("source_id"),
        "object_id",
        F.lit(UNKNOWN_CLASS.column).alias("column"),
        F.col("class").alias("value"),
        F.lit(UNKNOWN_CLASS.expected).alias("expected"),
        nothing.cast("int").alias("n_epochs"),
        nothing.cast("array<double>").alias("hmjd"),
        nothing.cast("array<float>").alias("mag"),
        nothing.cast("array<float>").alias("magerr"),
        nothing.cast("array<int>").alias("catflags"),
    )
