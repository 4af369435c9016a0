"""The published networks: which there are, and the file of each as our stored network."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.acai.importer import read_keras2
from models.networks.runtime import Network
from models.networks.stored import to_bytes
from models.toml_tables import check_keys, parse_toml
from udfs.alerts.cutouts import SIDE
from udfs.alerts.metadata import FEATURES
from udfs.errors import ContractError

# Single precision, and sums in another order than Keras'.
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Published:
    """One network of ``conf/alert_networks.toml``.

    Attributes
    ----------
    label
        Name of its score.
    algorithm : {"acai", "braai"}
    file, sha256
        As published.
    example_score
        What Keras gives for :func:`example`.
    """

    label: str
    algorithm: str
    file: str
    sha256: str
    example_score: float


def read_published(path: Path) -> list[Published]:
    """The table of published networks.

    Raises
    ------
    ContractError
        For an unknown or missing key.
    """
    tables = parse_toml(path.read_text(encoding="utf-8"), source=path.name)
    found = []
    for label, table in tables.items():
        check_keys(
            table,
            required=("algorithm", "file", "sha256", "example_score"),
            optional=("about",),
            where=f"{path.name} [{label}]",
        )
        known = {name: value for name, value in table.items() if name != "about"}
        found.append(Published(label=label, **known))
    return found


def import_network(content: bytes, published: Published) -> bytes:
    """The stored network of a published file.

    HDF5 notices a cut file but not a changed number, so the file must have the published checksum;
    then its layers and shapes must be those we know, and the network must give the example the
    score that Keras gives it.

    Raises
    ------
    ContractError
        Saying which of these fails.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != published.sha256:
        raise ContractError(
            f"{published.file} is not the published file: {len(content)} bytes with SHA-256 "
            f"{found[:12]}..., expected {published.sha256[:12]}...; fetch it again"
        )
    architecture, weights = read_keras2(content, name=published.file)
    if architecture.family != published.algorithm:
        raise ContractError(
            f"{published.file} is a network of family {architecture.family}, expected "
            f"{published.algorithm}"
        )
    stored = to_bytes(architecture, weights)
    features, images = example()
    network = Network.load(stored, threads=1)
    score = float(network.predict(features if architecture.n_features else None, images)[0, 0])
    if not abs(score - published.example_score) <= _TOLERANCE:
        raise ContractError(
            f"{published.file}: the example scores {score:.6f}, expected "
            f"{published.example_score:.6f}: the network does not compute what it should"
        )
    return stored


def example() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An alert made by formulas: a new star two pixels beside the centre of its galaxy."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2.0
    star = np.exp(-((x - 2) ** 2 + y**2) / 8.0)
    galaxy = np.exp(-np.hypot(x, 1.5 * y) / 6.0)
    cutouts = np.stack([galaxy + star, galaxy, star], axis=-1)
    images = cutouts / np.sqrt((cutouts**2).sum(axis=(0, 1)))
    numbers = {
        "drb": 0.99, "diffmaglim": 20.5, "ra": 150.0, "dec": 20.0, "magpsf": 18.5,
        "sigmapsf": 0.1, "chipsf": 2.0, "fwhm": 2.2, "sky": 0.1, "chinr": 1.5, "sharpnr": 0.2,
        "sgscore1": 0.02, "distpsnr1": 2.0, "sgscore2": 0.5, "distpsnr2": 12.0, "sgscore3": 0.5,
        "distpsnr3": 20.0, "ndethist": 3, "ncovhist": 200, "scorr": 15.0, "nmtchps": 4,
        "clrcoeff": -0.05, "clrcounc": 1e-5, "neargaia": 25.0, "neargaiabright": -999.0,
    }  # fmt: skip
    features = np.array([[numbers[name] for name in FEATURES]], dtype=np.float32)
    return features, images[np.newaxis].astype(np.float32)
