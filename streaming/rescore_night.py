"""Score past nights with today's models: table rescored_alerts, and a page of what changed."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import functions as F

from jobs.common.cli import job_parser, number_list, open_log, run_job
from jobs.common.config import CONF
from jobs.common.files import write_bytes
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from jobs.reports.page import render
from jobs.reports.rescored_data import Rescored, gather_rescored
from jobs.reports.rescored_page import rescored_page
from models.acai.scorer import AlertScorer
from models.store import ModelSet
from streaming.filters import AlertFilter, check_filters, read_filters
from streaming.rescored import (
    RESCORED_ALERTS,
    Account,
    rescore_night,
    selections,
    stored_alerts,
)
from streaming.rescoring_models import networks_for, thresholds_of
from streaming.scorers import scorer_source
from udfs.alert_schemas import ALERTS
from udfs.errors import ContractError

JOB = "rescore_night"
EXAMPLES = """
examples:
  What the models in production say of a past night:
    spark-submit streaming/rescore_night.py --nights 60300

  Whether a set that was just trained would publish other alerts, on three nights:
    spark-submit streaming/rescore_night.py --nights 60300,60301,60302 --models acai-1a2b3c4d5e6f

A night is the whole days of MJD, as in the table alerts, whose stamps are scored again; the stream
must have kept them (no --no-stamps), or ingest_alerts read them from files. Labels that the named
sets lack are scored by those in production. The table rescored_alerts has the columns of
scored_alerts, and each run replaces its nights there; the stream's own tables and topics stay as
they are. The job prints alerts in = rescored + without stamps, and can be killed and run again at
any time.
"""
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    _add_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)

    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    filters = read_filters(Path(args.filters))
    check_filters(warehouse.spark, filters)
    nights = nights_with_alerts(warehouse, args.nights)
    sets = networks_for(warehouse, args.models)
    account = _rescore(warehouse, nights, sets)
    rescored = _compare(warehouse, nights, sets, filters, account=account, top=args.top)
    _tell(rescored)
    name = "_".join(map(str, sorted({nights[0], nights[-1]})))
    folder = (args.output or f"{args.warehouse.rstrip('/')}/reports").rstrip("/")
    content = render(rescored_page(rescored)).encode()
    write_bytes(warehouse.spark, f"{folder}/rescored_{name}.html", content)
    log.info("%s/rescored_%s.html  %.1f MB", folder, name, len(content) / 1e6)


def nights_with_alerts(warehouse: Warehouse, wanted: Sequence[int]) -> list[int]:
    """The nights in order; all that there are if none is named.

    Raises
    ------
    ContractError
        If a night has no alerts with stamps.
    """
    rows = warehouse.read(ALERTS).select("night").distinct().collect()
    there = sorted(row["night"] for row in rows)
    missing = sorted(set(wanted) - set(there))
    if missing or not there:
        some = ", ".join(map(str, there[-10:])) or "none"
        raise ContractError(
            f"night {missing[0] if missing else 'all'} has no alerts with stamps in the table "
            f"{ALERTS.name}; the latest nights there: {some}; read others with ingest_alerts"
        )
    return sorted(set(wanted)) or there


def _rescore(warehouse: Warehouse, nights: Sequence[int], sets: Sequence[ModelSet]) -> Account:
    version = AlertScorer(sets).model_version
    sent = warehouse.spark.sparkContext.broadcast(tuple(sets))
    # One run, one key: its workers load these sets once.
    scorer = scorer_source(sent, repr([(s.name, *sorted(s.labels)) for s in sets]))
    log.info("models: %s", version)
    account = Account()
    for night in nights:
        found = rescore_night(warehouse, night, scorer, model_version=version)
        log.info("night=%d alerts: %s", night, _in_words(found))
        account += found
    if len(nights) > 1:
        log.info("%d nights, alerts: %s", len(nights), _in_words(account))
    return account


def _compare(
    warehouse: Warehouse, nights: Sequence[int], sets: Sequence[ModelSet],
    filters: Sequence[AlertFilter], *, account: Account, top: int,
) -> Rescored:  # fmt: skip
    now = warehouse.read(RESCORED_ALERTS).where(F.col("night").isin(list(nights)))
    scored = now.select("night", "candid")
    before = stored_alerts(warehouse, nights).join(scored, on=["night", "candid"], how="left_semi")
    return gather_rescored(
        now,
        before,
        selections(now, before, filters) if filters else None,
        nights=nights,
        account={
            "Alerts": account.rescored + account.without_stamps,
            "Scored before and now": account.streamed,
            "Only now, read from files": account.from_files,
            "Only before, without stamps": account.without_stamps,
        },
        thresholds=thresholds_of(sets),
        top=top,
    )


def _in_words(account: Account) -> str:
    return (
        f"{account.rescored + account.without_stamps:,} in = {account.rescored:,} rescored "
        f"({account.streamed:,} of the stream, {account.from_files:,} of files only) + "
        f"{account.without_stamps:,} without stamps"
    )


def _tell(rescored: Rescored) -> None:
    for one in rescored.scores:
        log.info("%-7s compared=%d mean_change=%.4f to_yes=%d to_no=%d", one.label, one.n_both,
                 one.mean_difference, one.n_up, one.n_down)  # fmt: skip
    for each in rescored.filters:
        log.info("filter %s: before=%d now=%d new=%d gone=%d", each.name, each.n_before,
                 each.n_now, each.n_new, each.n_gone)  # fmt: skip


def _set_names(text: str) -> list[str]:
    return sorted({name.strip() for name in text.split(",") if name.strip()})


def _add_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--nights", type=number_list, required=True, help="such as 60300,60301, or all")
    add("--models", type=_set_names, default=[], metavar="SETS",
        help="sets of models joined by commas, such as acai-1a2b3c4d5e6f, in production or not "
        "(default: all in production)")  # fmt: skip
    add("--filters", default=str(CONF / "filters"),
        help="folder of filters (default: conf/filters)")  # fmt: skip
    add("--output", help="folder of the page (default: reports/ in the warehouse)")
    add("--top", type=int, choices=range(101), metavar="N", default=10,
        help="alerts listed per label and filter, 0 to 100 (default 10)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
