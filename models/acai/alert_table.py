"""Labelled alerts as arrays that all processes of a machine share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.networks.training import Examples
from models.splits import PART_NAMES, TRAIN, VALIDATION
from udfs.errors import ContractError

# ACAI's five classifiers, and the letters that experts give to alerts.
CLASSES = {"acai_h": "h", "acai_n": "n", "acai_v": "v", "acai_o": "o", "acai_b": "b"}
MEANINGS = {"h": "hosted", "n": "nuclear", "v": "variable star", "o": "orphan", "b": "bogus"}
BRAAI = "braai"


@dataclass(frozen=True)
class AlertTable:
    """Labelled alerts, sorted by candid.

    Attributes
    ----------
    candid : (n,) int64
    object_id : (n,) str
    star : (n,) int64
        A number per source.
    part : (n,) int8
        Of the split by source.
    letter : (n,) str
        What each alert is.
    features : (n, 25) float32
        As the networks read them.
    image : (n, 63, 63, 3) float32
    """

    candid: NDArray[np.int64]
    object_id: NDArray[np.str_]
    star: NDArray[np.int64]
    part: NDArray[np.int8]
    letter: NDArray[np.str_]
    features: NDArray[np.float32]
    image: NDArray[np.float32]

    def target(self, label: str) -> NDArray[np.int8]:
        """1 where the alert is what the label says, else 0; braai's is "not bogus"."""
        bogus = self.letter == CLASSES["acai_b"]
        answer: NDArray[np.bool_] = ~bogus if label == BRAAI else self.letter == CLASSES[label]
        return answer.astype(np.int8)

    def examples(
        self, rows: NDArray[np.intp], target: NDArray[np.int8], *, reads: bool
    ) -> Examples:
        """Some rows for the training loop, with or without their features."""
        return Examples(
            features=self.features if reads else None,
            image=self.image,
            target=target.astype(np.float32)[:, np.newaxis],
            weight=np.ones((len(target), 1), dtype=np.float32),
            rows=rows,
        )

    def why_untrainable(self, label: str, min_examples: int) -> str | None:
        """What keeps a label from being trained, in a few words; None if nothing does."""
        target = self.target(label)
        for value, name in ((1, "positive"), (0, "negative")):
            found = int(np.count_nonzero(target == value))
            if found < min_examples:
                return f"{found} {name} alerts, {min_examples} needed"
        for part in (TRAIN, VALIDATION):
            if len(np.unique(target[self.part == part])) < 2:
                return f"all alerts of one class fell outside the {PART_NAMES[part]} part"
        return None

    @classmethod
    def open(cls, folder: Path) -> "AlertTable":
        """The table of a folder with one ``.npy`` per attribute, read as needed."""
        found: dict[str, Any] = {
            path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")
        }
        return cls(**found)


def check_letters(letters: set[str], *, where: str) -> None:
    """Raise ContractError for a letter that is no class; ``where`` names the source."""
    unknown = sorted(letters - set(MEANINGS))
    if unknown:
        known = ", ".join(f"{letter} ({meaning})" for letter, meaning in MEANINGS.items())
        raise ContractError(f"{where}: unknown label {unknown[0]!r}; expected {known}")
