"""A finished training enters the registry: one candidate per label, in one commit."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from jobs.common.files import file_size
from jobs.common.model_files import model_files
from jobs.common.registry_table import append_models, read_models
from jobs.common.tables import Warehouse
from models import store
from models.registry import candidates_of

log = logging.getLogger(__name__)


def register(
    warehouse: Warehouse, algorithm: str, version: str, *, data_versions: Mapping[str, int]
) -> None:
    """Register the labels of a stored set as candidates; a set that is known stays as it is.

    Parameters
    ----------
    algorithm, version : as ``store.save`` was given and returned
    data_versions : table -> Delta version that was read, as
        ``jobs.common.registry_table.delta_versions`` said before the training read them

    Raises
    ------
    ContractError
        If the set is not complete.
    """
    name = store.set_name(algorithm, version)
    if any(model.set_name == name for model in read_models(warehouse)):
        log.info("models %s are registered already", name)
        return
    files = model_files(warehouse)
    manifest = store.read_manifest(files, algorithm, version)
    folder = f"{files.root}/{store.folder_of(algorithm, version)}"
    sizes = {file: file_size(warehouse.spark, f"{folder}/{file}") for file in manifest["files"]}
    metrics = {}
    if store.METRICS in manifest["files"]:
        content = store.read_checked(
            files, algorithm, version, checksums=manifest["files"], name=store.METRICS
        )
        metrics = {told["label"]: told for told in json.loads(content)}
    found = candidates_of(
        manifest, sizes, metrics=metrics, data_versions=data_versions, now=datetime.now(UTC)
    )
    append_models(warehouse, found, set_name=name)
    log.info("models %s registered as candidates: %d labels", name, len(found))
