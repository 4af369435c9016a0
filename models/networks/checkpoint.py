"""Where a training can be taken up again: one file per network, replaced after every epoch."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyarrow import fs

from models.networks.schedule import State


@dataclass(frozen=True)
class Checkpoint:
    """All that a training needs to go on as if it had never stopped.

    ``weights`` and ``optimizer`` are those after the last epoch, ``best`` the weights of the best
    epoch, ``history`` one record per epoch.
    """

    state: State
    weights: Sequence[NDArray[Any]]
    optimizer: Sequence[NDArray[Any]]
    best: Sequence[NDArray[Any]]
    history: list[dict[str, float]]

    def to_bytes(self) -> bytes:
        """The checkpoint as a file."""
        groups = {"weights": self.weights, "optimizer": self.optimizer, "best": self.best}
        arrays = {
            f"{group}.{i:03d}": array for group, of in groups.items() for i, array in enumerate(of)
        }
        buffer = io.BytesIO()
        told = json.dumps({"state": asdict(self.state), "history": self.history})
        np.savez(buffer, told=np.array(told), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Checkpoint":
        """The checkpoint that ``to_bytes`` wrote."""
        with np.load(io.BytesIO(content)) as stored:
            told = json.loads(str(stored["told"]))
            groups: dict[str, list[NDArray[Any]]] = {"weights": [], "optimizer": [], "best": []}
            for name in sorted(set(stored.files) - {"told"}):
                groups[name.split(".")[0]].append(stored[name])
        return cls(State(**told["state"]), **groups, history=told["history"])


@dataclass(frozen=True)
class CheckpointFile:
    """The checkpoint of one training, on any path that all ranks reach.

    Attributes
    ----------
    uri
        A local path, or such as ``s3://``, ``hdfs://`` and ``gs://``.
    """

    uri: str

    def read(self) -> Checkpoint | None:
        """The checkpoint, if one was written."""
        where, path = self._open()
        if where.get_file_info(path).type == fs.FileType.NotFound:
            return None
        with where.open_input_stream(path) as stream:
            return Checkpoint.from_bytes(stream.read())

    def write(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint whole: beside it first, then in its place."""
        where, path = self._open()
        where.create_dir(path.rpartition("/")[0], recursive=True)
        with where.open_output_stream(f"{path}.partial") as stream:
            stream.write(checkpoint.to_bytes())
        where.move(f"{path}.partial", path)

    def remove(self) -> None:
        """Forget the checkpoint of a finished training."""
        where, path = self._open()
        if where.get_file_info(path).type != fs.FileType.NotFound:
            where.delete_file(path)

    def _open(self) -> tuple[fs.FileSystem, str]:
        # Hadoop's name for S3 is s3a.
        uri = self.uri.replace("s3a://", "s3://", 1)
        found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(uri)
        return found
