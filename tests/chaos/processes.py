"""The processes of a running stream, and their end."""

import os
import signal
import subprocess
import time
from pathlib import Path


def kill_driver(process: "subprocess.Popen[bytes]", victim: str) -> None:
    """SIGKILL to the stream: to all of it, only to its Python, or only to its Java."""
    if victim == "all":
        os.killpg(process.pid, signal.SIGKILL)
    elif victim == "python":
        process.kill()
    else:
        java = [pid for pid in descendants(process.pid) if "java" in command(pid).split(" ")[0]]
        # At the very start there is none yet.
        os.kill(java[0] if java else process.pid, signal.SIGKILL)
    process.wait(timeout=120)


def kill_worker(process: "subprocess.Popen[bytes]") -> bool:
    """SIGKILL to one Python worker; false if there is none."""
    daemons = [pid for pid in descendants(process.pid) if "pyspark.daemon" in command(pid)]
    # The first is the one that forks the others.
    for pid in reversed(daemons[1:]):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        return True
    return False


def wait_until_gone(pids: list[int], *, within_s: float = 60.0) -> list[int]:
    """Wait for processes to end; returns those that have not."""
    deadline = time.monotonic() + within_s
    while (left := [pid for pid in pids if _state(pid) not in "ZX"]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.2)
    return left


def descendants(pid: int) -> list[int]:
    """All processes below one, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (parent := _parent(int(folder.name))):
            children.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for each in found:
        found += sorted(children.get(each, []))
    return found[1:]


def command(pid: int) -> str:
    """The command line; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _parent(pid: int) -> int:
    status = _status(pid)
    return int(status[1]) if status else 0


def _state(pid: int) -> str:
    status = _status(pid)
    return status[0] if status else "X"


def _status(pid: int) -> list[str]:
    """State and parent, of proc_pid_stat(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
