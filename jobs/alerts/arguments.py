"""The flags of train_acai."""

import argparse
from dataclasses import replace

from jobs.alerts.labels import INSTEAD, NONE
from models import store
from models.acai.inputs import FIXED, MODES
from models.acai.training import AlertPlan
from udfs.errors import ContractError


def add_alert_flags(parser: argparse.ArgumentParser) -> None:
    """What is trained, on what, how, by how many processes."""
    add = parser.add_argument
    plan = AlertPlan()
    add("--labels-file", required=True, help="Parquet or CSV with candid and label")
    add("--algorithm", choices=(store.ACAI, store.BRAAI), default=store.ACAI)
    add("--labels", help="joined by commas (default: all with enough examples)")
    add("--mode", choices=MODES, default=FIXED,
        help="fixed (default): standardised features; acai-2020: raw ones")  # fmt: skip
    add("--instead-of-drb", choices=INSTEAD, default=NONE,
        help="in packets without drb: none (default): leave the alert out; rb: take that; braai: "
        "score it with the braai in production")  # fmt: skip
    add("--ratio", type=float, default=plan.ratio,
        help="examples of the larger class per one of the smaller (default 2.5)")  # fmt: skip
    add("--rounds", type=int, default=plan.rounds,
        help="trainings more, each with the hard negatives of the last (default 2)")  # fmt: skip
    add("--epochs", type=int, default=plan.network.epochs, help="at most (default 300)")
    add("--batch-size", type=int, default=plan.network.batch, help="all ranks (default 64)")
    add("--patience", type=int, default=plan.network.schedule.stop_patience,
        help="epochs without a lower validation loss before the end (default 20)")  # fmt: skip
    add("--min-examples", type=int, default=plan.min_examples, help="of either class (default 50)")
    add("--threshold", type=float, default=plan.threshold, help="of a yes (default 0.5)")
    add("--resamples", type=int, default=plan.resamples, help="of the bootstrap (default 1000)")
    add("--seed", type=int, default=plan.seed, help="of split, choice and weights (default 42)")
    add("--ranks", type=int, default=1, help="of Horovod per network (default 1: Spark tasks)")
    add("--in-process", action="store_true", help="train in the driver, without Spark tasks")


def alert_plan_of(args: argparse.Namespace) -> AlertPlan:
    """The flags as a plan; ContractError for numbers out of range."""
    if not 0.0 <= args.threshold < 1.0:
        raise ContractError(f"--threshold {args.threshold}: expected 0 <= threshold < 1")
    for flag in ("min_examples", "ranks", "batch_size", "epochs", "patience", "resamples", "ratio"):
        if getattr(args, flag) < 1:
            name = flag.replace("_", "-")
            raise ContractError(f"--{name} {getattr(args, flag)}: expected at least 1")
    if args.rounds < 0:
        raise ContractError(f"--rounds {args.rounds}: expected at least 0")
    if args.in_process and args.ranks > 1:
        raise ContractError("--in-process trains on one rank: leave out --ranks")
    plan = AlertPlan()
    schedule = replace(plan.network.schedule, stop_patience=args.patience)
    return replace(
        plan,
        network=replace(plan.network, epochs=args.epochs, batch=args.batch_size,
                        schedule=schedule, seed=args.seed),
        ratio=args.ratio, rounds=args.rounds, threshold=args.threshold,
        min_examples=args.min_examples, resamples=args.resamples, seed=args.seed,
    )  # fmt: skip
