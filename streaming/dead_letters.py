"""Messages that are no valid alert, sent on with the reason."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.kafka import KafkaSettings

_TOLD = ("reason", "column", "value", "topic", "partition", "offset")


def send(rows: DataFrame, settings: KafkaSettings, *, topic: str) -> None:
    """Send the invalid messages on as they came, with what is wrong in their headers.

    A micro-batch that is repeated after a crash sends them again: the headers ``partition`` and
    ``offset`` tell which are the same.
    """
    headers = [
        F.struct(F.lit(name).alias("key"), F.col(name).cast("string").cast("binary").alias("value"))
        for name in _TOLD
    ]
    letters = rows.where("reason IS NOT NULL").select(
        F.lit(topic).alias("topic"),
        F.col("objectId").cast("binary").alias("key"),
        F.col("message").alias("value"),
        F.array(*headers).alias("headers"),
    )
    (
        letters.write.format("kafka")
        .options(**settings.for_spark())
        .option("includeHeaders", "true")
        .save()
    )
