"""Which labelled stars have features, and how many light curves each label has."""

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.tables import Warehouse
from models.splits import split_by_star
from models.taxonomy import Taxonomy
from models.training_set import known_labels, target_of
from udfs.errors import ContractError
from udfs.schemas import LABELS

KEY = ["survey", "object_id"]


def labelled_stars(
    warehouse: Warehouse, features: DataFrame, taxonomy: Taxonomy, *, seed: int
) -> pd.DataFrame:
    """One row per star with labels and features.

    Returns
    -------
    DataFrame
        Indexed by survey and object_id, sorted: ``light_curves`` (their number), ``part`` (of the
        split by star) and one column per label of the taxonomy.

    Raises
    ------
    ContractError
        If there is no such star, or a label is not in the taxonomy.
    """
    said = warehouse.read(LABELS).select(*KEY, "label", "probability").toPandas()
    known = known_labels(said, taxonomy)
    position = F.min(F.struct("ra", "dec")).alias("position")
    stars = (
        features.groupBy(*KEY)
        .agg(F.count("*").alias("light_curves"), position)
        .select(*KEY, "light_curves", "position.ra", "position.dec")
        .toPandas()
        .set_index(KEY)
        .join(known, how="inner")
        .sort_index()
    )
    if stars.empty:
        raise ContractError(
            f"none of the {len(known):,} labelled stars has features: compare survey and object_id "
            "in the tables features and labels"
        )
    names = [f"{survey}:{star}" for survey, star in stars.index]
    part = split_by_star(names, stars["ra"].to_numpy(), stars["dec"].to_numpy(), seed=seed)
    return stars.drop(columns=["ra", "dec"]).assign(part=part)


def light_curves_of(stars: pd.DataFrame, label: str, taxonomy: Taxonomy) -> int:
    """Number of light curves that say yes or no to a label."""
    answered = target_of(stars, label, taxonomy) >= 0
    return int(stars["light_curves"].to_numpy()[answered].sum())
