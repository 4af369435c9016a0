"""The Spark session. Its settings come from conf/spark; code adds only what a run asks for."""

import os
import sys
from collections.abc import Sequence

from pyspark.sql import SparkSession

from udfs.errors import ContractError

_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"


def open_session(app_name: str, conf: Sequence[str] = ()) -> SparkSession:
    """The session of this process, with Delta.

    Parameters
    ----------
    app_name : str
        Shown in the Spark UI.
    conf : sequence of "key=value"
        Settings of this run, on top of spark-submit's.

    Raises
    ------
    ContractError
        If a setting is not ``key=value``, or Delta is not configured.
    """
    # Workers start the python3 of PATH otherwise, which has none of the libraries.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app_name)
    for setting in conf:
        key, separator, value = setting.partition("=")
        if not separator:
            raise ContractError(f"--conf {setting}: expected KEY=VALUE")
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    if _EXTENSION not in (spark.conf.get("spark.sql.extensions", "") or ""):
        raise ContractError(
            f"spark.sql.extensions does not name {_EXTENSION}: run `make setup`, or give "
            "spark-submit --properties-file the output of python -m jobs.common.spark_settings"
        )
    return spark
