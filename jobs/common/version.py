"""Which code is running, and hashes of what a result depends on."""

import hashlib
import json
import os
import subprocess
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any


@cache
def code_version() -> str:
    """``0.1.0+g1a2b3c4`` in a checkout (``.dirty`` with local changes), else the release.

    An image without git names its commit in ``LAMBDASKY_COMMIT``.
    """
    release = version("lambdasky")
    commit = os.environ.get("LAMBDASKY_COMMIT") or _commit_of_checkout()
    return f"{release}+g{commit}" if commit else release


def _commit_of_checkout() -> str:
    try:
        git = subprocess.run(
            ["git", "describe", "--always", "--dirty=.dirty", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""


def fingerprint(*parts: Any) -> str:
    """Hash of the parts: dataclasses, and whatever JSON can hold."""
    text = json.dumps(
        [asdict(p) if is_dataclass(p) and not isinstance(p, type) else p for p in parts],
        sort_keys=True,
        default=str,
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]
