"""The flags of train_dnn."""

import argparse

from jobs.training.network_run import BOTH, KINDS
from models.dnn import DnnPlan
from models.feature_sets import CHOICES, SCOPE
from models.networks.loss import BINARY, FOCAL
from models.networks.schedule import Schedule
from models.networks.training import NetworkPlan
from models.scaling import HOW, RANK
from udfs.errors import ContractError


def add_network_flags(parser: argparse.ArgumentParser) -> None:
    """What is trained, on what, how, by how many processes."""
    add = parser.add_argument
    add("--labels", help="abbreviations, joined by commas (default: all with enough examples)")
    add("--surveys", help="surveys to learn from, joined by commas (default: all)")
    add("--networks", choices=KINDS, default=BOTH,
        help="separate: one per label; multi: one for all; both (default): of each label the "
        "better one on the validation part")  # fmt: skip
    add("--members", type=int, default=3,
        help="networks of all labels that answer together (default 3; 1: fastest)")  # fmt: skip
    add("--features", choices=CHOICES, default=SCOPE,
        help="SCoPe's 35 and 61 (default); extended: all periods as well; best: and all that is "
        "known of period_BEST; shape: and the even harmonics")  # fmt: skip
    add("--scaling", choices=HOW, default=RANK,
        help="of the features, by statistics of the training part (default rank)")  # fmt: skip
    add("--ranks", type=int, default=1,
        help="1 (default): networks side by side as Spark tasks; more: each network on so many "
        "ranks of Horovod")  # fmt: skip
    add("--in-process", action="store_true", help="train in the driver, without Spark tasks")
    add("--batch-size", type=int, default=256, help="rows of a step, all ranks (default 256)")
    add("--learning-rate", type=float,
        help="for 64 rows; grows with the root of the batch (default 3e-4, and 1e-3 for the "
        "network of all labels)")  # fmt: skip
    add("--epochs", type=int, default=200, help="at most (default 200)")
    add("--patience", type=int, default=20,
        help="epochs without a lower validation loss before the end (default 20)")  # fmt: skip
    add("--loss", choices=(BINARY, FOCAL), default=BINARY,
        help="binary cross-entropy (default), or focal loss for rare labels")  # fmt: skip
    add("--weigh-classes", action="store_true", help="weigh positives by negatives / positives")
    add("--min-examples", type=int, default=50, help="light curves of either class (default 50)")
    add("--threshold", type=float, default=0.7, help="a score above it is a yes (default 0.7)")
    add("--resamples", type=int, default=1000, help="of the bootstrap (default 1000)")
    add("--seed", type=int, default=42, help="of split, weights and bootstrap (default 42)")
    add("--taxonomy", help="the table of labels (default: conf/labels.toml)")


def dnn_plan_of(args: argparse.Namespace) -> DnnPlan:
    """The flags as a plan; ContractError for numbers out of range."""
    if not 0.0 <= args.threshold < 1.0:
        raise ContractError(f"--threshold {args.threshold}: expected 0 <= threshold < 1")
    for flag in (
        "min_examples",
        "members",
        "ranks",
        "batch_size",
        "epochs",
        "patience",
        "resamples",
    ):
        if getattr(args, flag) < 1:
            raise ContractError(
                f"--{flag.replace('_', '-')} {getattr(args, flag)}: expected at least 1"
            )
    if args.in_process and args.ranks > 1:
        raise ContractError("--in-process trains on one rank: leave out --ranks")
    return DnnPlan(
        network=_network_plan(args, args.learning_rate or 3e-4),
        multi=_network_plan(args, args.learning_rate or 1e-3),
        multi_members=args.members,
        weigh_classes=args.weigh_classes,
        threshold=args.threshold,
        min_examples=args.min_examples,
        resamples=args.resamples,
        seed=args.seed,
    )


def _network_plan(args: argparse.Namespace, learning_rate: float) -> NetworkPlan:
    return NetworkPlan(
        epochs=args.epochs,
        batch=args.batch_size,
        schedule=Schedule(learning_rate=learning_rate, stop_patience=args.patience),
        loss=args.loss,
        seed=args.seed,
    )
