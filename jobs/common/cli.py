"""The command line of every job: flags, log lines, and errors that fit on one line."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from udfs.errors import ContractError

DEFAULT_WAREHOUSE = Path(__file__).resolve().parents[2] / "warehouse"

log = logging.getLogger(__name__)


def job_parser(description: str, *, epilog: str = "") -> argparse.ArgumentParser:
    """A parser with the flags that all jobs share; ``epilog`` shows examples as typed."""
    parser = argparse.ArgumentParser(
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--warehouse",
        type=_root,
        default=str(DEFAULT_WAREHOUSE),
        help="root folder of the Delta tables, any Hadoop path such as s3a://bucket/sky "
        "(default: warehouse/ beside the project)",
    )
    parser.add_argument(
        "--conf",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a Spark setting for this run, on top of conf/spark; may be repeated",
    )
    parser.add_argument("--verbose", action="store_true", help="log per-batch detail as well")
    return parser


def _root(path: str) -> str:
    """Spark takes a relative path in ``delta.`path` `` for a name: make local ones absolute."""
    return path if "://" in path else os.path.abspath(path)


def number_list(text: str) -> list[int]:
    """``250,202`` as a flag's value -> [250, 202]; ``all`` -> []."""
    if text == "all":
        return []
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        message = f"{text!r} is not a list of numbers such as 250,202, nor 'all'"
        raise argparse.ArgumentTypeError(message) from None


def run_job(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None = None) -> int:
    """Run a job's ``main``; a broken contract becomes one line and exit status 2."""
    try:
        main(argv)
    except ContractError as error:
        log.error("error: %s", error)
        return 2
    except (PySparkException, Py4JJavaError) as error:
        log.debug("full trace", exc_info=error)
        log.error("error: Spark stopped the job: %s", _cause(error))
        return 1
    return 0


def open_log(*, verbose: bool = False) -> None:
    """Send the log of our own packages to standard output, one plain line a message."""
    logging.basicConfig(stream=sys.stdout, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for package in ("jobs", "models", "udfs", "streaming", "__main__"):
        logging.getLogger(package).setLevel(logging.DEBUG if verbose else logging.INFO)
    # Spark prints an error that we catch and tell in one line, as JSON of many.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)


def _cause(error: Exception) -> str:
    """The innermost line that says something: Python's own error if a UDF raised one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    python_errors = [
        line for line in lines if "Error:" in line and not line.startswith(("at ", "org.", "java."))
    ]
    caused = [line for line in lines if line.startswith("Caused by:")]
    return (python_errors or caused or lines or [type(error).__name__])[-1]
