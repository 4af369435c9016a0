"""deploy/Dockerfile against the project. It is read here, not built: that needs Docker."""

import fnmatch
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
IGNORE = (PROJECT / ".dockerignore").read_text().splitlines()


def instructions() -> list[tuple[str, str]]:
    """(INSTRUCTION, rest) of the Dockerfile, continued lines joined, comments left out."""
    text = (PROJECT / "deploy" / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(name, rest) for name, rest in pairs]


def values(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def copied_from_project() -> list[str]:
    copies = [shlex.split(rest) for rest in values("COPY") if not rest.startswith("--from")]
    return [source for words in copies for source in words[:-1]]


def reaches_docker(path: str) -> bool:
    """Whether .dockerignore lets a path through; the last line that fits decides."""
    allowed = True
    for line in (line.strip() for line in IGNORE):
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").rstrip("/").removeprefix("**/")
        parts = [path, *(str(parent) for parent in Path(path).parents), *Path(path).parts]
        if any(fnmatch.fnmatchcase(part, pattern) for part in parts):
            allowed = line.startswith("!")
    return allowed


@pytest.mark.parametrize("source", copied_from_project())
def test_what_is_copied_is_there_and_sent_to_docker(source):
    assert (PROJECT / source).exists()
    assert reaches_docker(source)


@pytest.mark.parametrize(
    "path", [".venv", "warehouse", ".git", "tests", ".jars", "jobs/__pycache__/cli.pyc"]
)
def test_the_rest_is_not_sent_to_docker(path):
    assert not reaches_docker(path)


def test_every_package_is_in_the_image():
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")}
    assert packages - {"tests"} <= set(copied_from_project())


def test_python_is_one_that_the_project_allows():
    (version,) = [arg.split("=")[1] for arg in values("ARG") if arg.startswith("PYTHON_VERSION=")]
    at_least, below = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PYPROJECT["requires-python"]).groups()
    major, minor = version.split(".")
    assert major == "3"
    assert int(at_least) <= int(minor) < int(below)


def test_java_is_one_that_spark_4_0_knows_and_debian_has():
    assert re.search(r"openjdk-17-jre-headless", " ".join(values("RUN")))
    # Only bookworm of the supported Debian releases has Java 17.
    assert values("FROM")[0].startswith("python:${PYTHON_VERSION}-slim-bookworm ")


def test_packages_are_pinned_and_checked():
    (install,) = [run for run in values("RUN") if "pip install" in run]
    assert "-c constraints.txt" in install
    assert install.endswith("pip check")


def test_jars_are_resolved_as_by_the_set_up():
    # The two calls stand in two files; what they ask Ivy for must be the same.
    options = r"-settings (\S+) +-ivy (\S+) +-confs "
    setup = (PROJECT / "deploy" / "setup.sh").read_text().replace("\\\n", " ")
    image = " ".join(values("RUN"))
    assert re.search(options, image).groups() == re.search(options, setup).groups()
    name = r"(/\[artifact\]-\[revision\]\S+)'"
    assert re.search(name, image)[1] == re.search(name, setup)[1]


def test_the_last_word_on_the_user_is_not_root():
    last = next((name, rest) for name, rest in reversed(instructions()) if name in {"USER", "FROM"})
    assert last == ("USER", "185")
    assert values("ENTRYPOINT") == ['["/opt/entrypoint.sh"]']


def test_gpu_addresses_are_what_spark_reads(tmp_path):
    # A stand-in for the command of the NVIDIA driver, which prints one index a line.
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    script = PROJECT / "deploy" / "gpu_addresses.sh"
    result = subprocess.run(
        [script], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert result.stdout == '{"name": "gpu", "addresses": ["0", "1"]}\n'
