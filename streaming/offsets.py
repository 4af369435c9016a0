"""What the checkpoint of a stream says about offsets."""

import json

from pyspark.sql import SparkSession

from jobs.common import files


def planned_offsets(
    spark: SparkSession, checkpoint: str, batch_id: int, topic: str
) -> dict[int, int]:
    """Partition -> offset behind the last message of a micro-batch, of all partitions.

    Spark writes the plan of a micro-batch before it starts it: a version, settings, and one line
    of JSON per source.
    """
    content = files.read_bytes(spark, f"{checkpoint.rstrip('/')}/offsets/{batch_id}").decode()
    ends = json.loads(content.splitlines()[2])[topic]
    return {int(partition): int(offset) for partition, offset in ends.items()}
