"""Copies the Spark settings of conf/spark into the sparkConf of the SparkApplications here.

``python deploy/k8s/render.py`` rewrites the files; a test compares them with the settings.
"""

import json
from pathlib import Path

from jobs.common.spark_settings import merge_layers

FOLDER = Path(__file__).parent
APPLICATIONS = sorted(FOLDER.glob("*.yaml"))
# Where deploy/Dockerfile puts things.
IMAGE_PATHS = {
    "JARS": "/opt/lambdasky/.jars/spark",
    "PYTHON": "/opt/venv/bin/python",
    "PROJECT": "/opt/lambdasky",
}
_START = "  sparkConf:\n"
_END = "  # End of what render.py writes.\n"


def render(manifest: str, *, layers: tuple[str, ...] = ("k8s",)) -> str:
    """The manifest with the merged settings between its two marks, every value a string."""
    if manifest.count(_START) != 1 or manifest.count(_END) != 1:
        raise ValueError(f"expected one line {_START.strip()!r} and one line {_END.strip()!r}")
    before, rest = manifest.split(_START)
    after = rest.split(_END)[1]
    settings = merge_layers(layers, variables=IMAGE_PATHS)
    lines = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in settings.items())
    return before + _START + lines + _END + after


if __name__ == "__main__":
    for path in APPLICATIONS:
        path.write_text(render(path.read_text()))
