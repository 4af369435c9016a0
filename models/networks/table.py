"""The training table of the networks: arrays that all processes of a machine share."""

import fcntl
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.networks.training import Examples
from models.splits import PART_NAMES, TRAIN, VALIDATION

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class NetworkTable:
    """Labelled light curves as the networks see them, sorted by survey, star and light curve.

    Attributes
    ----------
    survey, object_id : (n,) str
    source_id : (n,) int64
    star : (n,) int64
        A number per star.
    part : (n,) int8
        Of the split by star.
    features : (n, n_features) float32
        Gaps filled, scaled; in the order of the set of features of ontological labels.
    dmdt : (n, 676) float32
    targets : (n, n_labels) int8
        1, 0 or -1 (unknown, or a required feature is missing), in the order of ``labels``.
    labels : tuple of str
    """

    survey: NDArray[np.str_]
    object_id: NDArray[np.str_]
    source_id: NDArray[np.int64]
    star: NDArray[np.int64]
    part: NDArray[np.int8]
    features: FloatArray
    dmdt: FloatArray
    targets: NDArray[np.int8]
    labels: tuple[str, ...]

    @property
    def image(self) -> FloatArray:
        """The dmdt histograms as images, (n, 26, 26, 1), without a copy."""
        return self.dmdt.reshape(-1, 26, 26, 1)

    def examples(
        self,
        part: int,
        labels: tuple[str, ...],
        *,
        features: FloatArray,
        weights: Mapping[str, float] | None = None,
    ) -> Examples:
        """The rows of a part in which at least one of the labels is known.

        Parameters
        ----------
        features : (n, k) float32
            Those of the table's that the network reads.
        weights
            Label -> weight of its positives; 1 without it.
        """
        targets = self.targets[:, [self.labels.index(name) for name in labels]]
        positive = np.array([(weights or {}).get(name, 1.0) for name in labels], dtype=np.float32)
        weight = np.where(targets == 1, positive, 1.0) * (targets >= 0)
        known = (self.part == part) & (targets >= 0).any(axis=1)
        return Examples(
            features=features,
            image=self.image,
            target=(targets == 1).astype(np.float32),
            weight=weight.astype(np.float32),
            rows=np.flatnonzero(known),
        )

    def why_untrainable(self, label: str, min_examples: int) -> str | None:
        """What keeps a label from being trained, in a few words; None if nothing does."""
        target = self.targets[:, self.labels.index(label)]
        for value, name in ((1, "positive"), (0, "negative")):
            found = int(np.count_nonzero(target == value))
            if found < min_examples:
                return f"{found} {name} light curves, {min_examples} needed"
        for part in (TRAIN, VALIDATION):
            if len(np.unique(target[(self.part == part) & (target >= 0)])) < 2:
                return f"all examples of one class fell outside the {PART_NAMES[part]} part"
        return None

    def write(self, folder: Path) -> None:
        """Store the arrays, one file each."""
        for name, array in vars(self).items():
            np.save(folder / f"{name}.npy", np.asarray(array))

    @classmethod
    def open(cls, folder: Path) -> "NetworkTable":
        """The table of a folder; its large arrays are read from the page cache as needed."""
        found: dict[str, Any] = {
            path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")
        }
        found["labels"] = tuple(str(name) for name in found["labels"])
        return cls(**found)


def once_per_node(folder: Path, fill: Callable[[Path], None]) -> Path:
    """The folder, filled by the first process of this machine that asks for it.

    The others wait for it. A process killed while it fills leaves nothing that looks full.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            fill(partial)
            os.replace(partial, folder)
    return folder
