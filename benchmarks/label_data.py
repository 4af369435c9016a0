"""Labelled stars for the label benchmarks: features, dmdt images, answers, published features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jobs.common.config import CONF
from jobs.common.tables import Warehouse
from models.class_map import read_class_map
from models.feature_sets import CHOICES, EXTENDED, SHAPE, FeatureSets, read_feature_sets
from models.taxonomy import Taxonomy
from models.training_set import TrainingSet, build_training_set, known_labels
from udfs.schemas import BEST, DMDT_SIDE, FEATURES

MIN_EXAMPLES = 50
# ``shape`` less what depends on how far away a star is and on who took its picture.
PORTABLE = "portable"
_OF_THE_SURVEY = ("median", "wmean", "chi2red", "roms", "norm_excess_var", "f1_BIC_ELS_ECE_EAOV",
    f"f1_BIC_{BEST}",
)  # fmt: skip

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """The light curves of one or more surveys, row by row.

    Attributes
    ----------
    data
        The training set with the features of the widest set.
    sets
        Name of a feature set -> the set; all of them read columns of ``data.matrix``.
    images : (n, 26, 26, 1) float32
    star : (n,) int
        Number of the star, from 0 without gaps.
    kind : (n,) str
        Class of the catalogue.
    n_epochs, median_mag : (n,) float64
    published : (n, n_published) float64
        Features of the baseline, NaN for a gap; no columns where there are none.
    """

    data: TrainingSet
    sets: dict[str, FeatureSets]
    images: NDArray[np.float32]
    star: NDArray[np.intp]
    kind: NDArray[np.str_]
    n_epochs: FloatArray
    median_mag: FloatArray
    published: FloatArray

    def take(self, rows: NDArray[np.intp]) -> "Labelled":
        """Some of the light curves."""
        data = self.data
        return replace(
            self,
            data=replace(
                data,
                survey=data.survey[rows],
                object_id=data.object_id[rows],
                source_id=data.source_id[rows],
                matrix=data.matrix[rows],
                targets={name: target[rows] for name, target in data.targets.items()},
            ),
            images=self.images[rows],
            star=np.unique(self.star[rows], return_inverse=True)[1],
            kind=self.kind[rows],
            n_epochs=self.n_epochs[rows],
            median_mag=self.median_mag[rows],
            published=self.published[rows],
        )


def feature_sets() -> dict[str, FeatureSets]:
    """Those of the jobs, and ``portable``."""
    sets = {name: read_feature_sets(CONF / "features.toml", choice=name) for name in CHOICES}
    shape = sets[SHAPE]
    sets[PORTABLE] = replace(
        shape,
        phenomenological=tuple(n for n in shape.phenomenological if n not in _OF_THE_SURVEY),
        ontological=tuple(n for n in shape.ontological if n not in _OF_THE_SURVEY),
    )
    return sets


def read_labelled(
    warehouse: Warehouse,
    data: Path,
    taxonomy: Taxonomy,
    *,
    surveys: Sequence[str],
    published: pd.DataFrame | None = None,
) -> Labelled:
    """The stars of some surveys that have features and a class.

    Parameters
    ----------
    data : Path
        Folder of the data sets, with ``objects.parquet`` for each.
    published : DataFrame, optional
        Features of the baseline by object_id; stars without a row there are left out.
    """
    sets = feature_sets()
    objects = pd.concat([
        pd.read_parquet(data / name / "objects.parquet")[["object_id", "class"]].assign(survey=name)
        for name in surveys
    ]).dropna(subset="class")  # fmt: skip
    if published is not None:
        objects = objects[objects["object_id"].isin(published.index)]
    columns = [
        "survey",
        "object_id",
        "source_id",
        "filter",
        "n",
        "dmdt",
        *sets[SHAPE].ontological,
    ]
    names = ", ".join(f"'{name}'" for name in surveys)
    rows = warehouse.read(FEATURES).where(f"survey IN ({names})").select(*columns).toPandas()
    both = build_training_set(
        rows, known_labels(_labels(objects, taxonomy), taxonomy), taxonomy=taxonomy,
        sets=sets[SHAPE],
    )  # fmt: skip
    found = rows.set_index(["survey", "source_id"]).loc[
        list(zip(both.survey, both.source_id, strict=True))
    ]
    stars = np.char.add(np.char.add(both.survey, ":"), both.object_id)
    kind = objects.set_index(["survey", "object_id"])["class"]
    matrix = np.empty((len(stars), 0))
    if published is not None:
        matrix = published.loc[both.object_id.tolist()].to_numpy(np.float64, copy=True)
        matrix[~np.isfinite(matrix)] = np.nan
    return Labelled(
        data=both,
        sets=sets,
        images=np.stack(found["dmdt"].to_numpy()).astype(np.float32).reshape(
            -1, DMDT_SIDE, DMDT_SIDE, 1),
        star=np.unique(stars, return_inverse=True)[1],
        kind=kind.loc[list(zip(both.survey, both.object_id, strict=True))].to_numpy(str),
        n_epochs=found["n"].to_numpy(np.float64),
        median_mag=found["median"].to_numpy(np.float64),
        published=matrix,
    )  # fmt: skip


def labels_with_examples(labelled: Labelled, taxonomy: Taxonomy) -> dict[str, NDArray[np.int8]]:
    """Label -> answers of the rows that every feature set can use; labels with enough of both."""
    features = list(labelled.data.features)
    wide = labelled.sets[EXTENDED]
    required = [features.index(n) for n in wide.ontological if wide.filling[n] == "required"]
    complete = np.isfinite(labelled.data.matrix[:, required]).all(axis=1)
    found = {}
    for name in taxonomy.scored:
        target = np.where(complete, labelled.data.targets[name], -1).astype(np.int8)
        if min(np.sum(target == 1), np.sum(target == 0)) >= MIN_EXAMPLES:
            found[name] = target
    return found


def _labels(objects: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    maps = {
        name: read_class_map(CONF / "labels" / f"{name}.toml", taxonomy)
        for name in objects["survey"].unique()
    }
    said = [
        (survey, star, label, probability)
        for survey, star, of in objects[["survey", "object_id", "class"]].itertuples(index=False)
        for label, probability in maps[survey].of_class(of, taxonomy).items()
    ]
    return pd.DataFrame(said, columns=["survey", "object_id", "label", "probability"])
