"""Which code is running, and hashes of what a result depends on."""

import hashlib
import json
import subprocess
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any


@cache
def code_version() -> str:
    """``0.1.0+g1a2b3c4`` in a checkout (``.dirty`` with local changes), else the release."""
    release = version("lambdasky")
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty=.dirty", "--exclude=*"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{release}+g{git.stdout.strip()}" if git.returncode == 0 else release


def fingerprint(*parts: Any) -> str:
    """Hash of the parts: dataclasses, and whatever JSON can hold."""
    text = json.dumps(
        [asdict(p) if is_dataclass(p) and not isinstance(p, type) else p for p in parts],
        sort_keys=True,
        default=str,
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]
