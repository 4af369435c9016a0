"""A set of published networks: read, checked, stored, registered."""

from collections.abc import Sequence

from jobs.common.files import read_bytes
from jobs.common.model_files import model_files
from jobs.common.tables import Warehouse
from jobs.common.version import code_version
from jobs.registry.register import register
from models import store
from models.acai.inputs import ACAI_2020
from models.acai.published import Published, import_network
from models.acai.training import FEATURES_AND_TRIPLETS, READS, TRIPLETS

THRESHOLD = 0.5


def import_set(warehouse: Warehouse, networks: Sequence[Published], *, folder: str) -> str:
    """Store the networks of one algorithm as a model set; returns its version.

    All of them are checked before anything is written.

    Raises
    ------
    ContractError
        If a file is missing, damaged or of another architecture.
    """
    algorithm = networks[0].algorithm
    contents = {}
    for network in networks:
        content = read_bytes(warehouse.spark, f"{folder.rstrip('/')}/{network.file}")
        contents[f"{network.label}.npz"] = import_network(content, network)
    kind = TRIPLETS if algorithm == store.BRAAI else FEATURES_AND_TRIPLETS
    version = store.save(
        model_files(warehouse),
        contents,
        algorithm=algorithm,
        described={
            "mode": ACAI_2020,
            "threshold": THRESHOLD,
            "features": {kind: list(READS[kind])},
            "labels": {
                network.label: {
                    "kind": kind,
                    "file": f"{network.label}.npz",
                    "output": 0,
                    "published": {"file": network.file, "sha256": network.sha256},
                }
                for network in networks
            },
        },
        informative={"code_version": code_version()},
    )
    register(warehouse, algorithm, version, data_versions={})
    return version
