"""The flags of train_xgb."""

import argparse
from dataclasses import replace

from models.feature_sets import CHOICES, SCOPE
from models.label_training import BY_LIGHT_CURVE, BY_STAR, Plan
from models.xgb import SCOPE_START, Settings
from udfs.errors import ContractError


def add_training_flags(parser: argparse.ArgumentParser) -> None:
    """What is trained, on what, how."""
    add = parser.add_argument
    add("--labels", help="abbreviations, joined by commas (default: all with enough examples)")
    add("--surveys", help="surveys to learn from, joined by commas (default: all)")
    add(
        "--features",
        choices=CHOICES,
        default=SCOPE,
        help="SCoPe's 35 and 61 (default); extended: the periods of all algorithms as well; best: "
        "and all that is known of period_BEST; shape: and the even harmonics",
    )
    add(
        "--split",
        choices=(BY_STAR, BY_LIGHT_CURVE),
        default=BY_STAR,
        help="81/9/10 %% of the stars (default), or of the light curves as SCoPe does: then a "
        "star can be in training and test, and the metrics flatter",
    )
    add(
        "--boosting",
        choices=("steady", "scope"),
        default="steady",
        help="steady (default): deeper trees, slow learning, patient stopping; scope: the start "
        "point of SCoPe's grid search",
    )
    add("--search", action="store_true",
        help="SCoPe's staged grid search for each label, from its start point")  # fmt: skip
    add("--weigh-classes", action="store_true", help="weigh positives by negatives / positives")
    add("--min-examples", type=int, default=50, help="light curves of either class (default 50)")
    add("--threshold", type=float, default=0.7, help="a score above it is a yes (default 0.7)")
    add("--resamples", type=int, default=1000, help="of the bootstrap (default 1000)")
    add("--seed", type=int, default=42, help="of split, boosting and bootstrap (default 42)")
    add("--max-rounds", type=int, default=999, help="trees at most (default 999)")
    add(
        "--distributed-above",
        type=int,
        default=2_000_000,
        metavar="ROWS",
        help="labels with more light curves are trained on all executors together "
        "(default 2000000); the others one per task",
    )
    add("--device", choices=("cpu", "cuda"), default="cpu", help="where XGBoost runs")
    add("--taxonomy", help="the table of labels (default: conf/labels.toml)")


def plan_of(args: argparse.Namespace) -> Plan:
    """The flags as a plan; ContractError for numbers out of range."""
    if not 0.0 <= args.threshold < 1.0:
        raise ContractError(f"--threshold {args.threshold}: expected 0 <= threshold < 1")
    for flag in ("min_examples", "max_rounds", "resamples"):
        if getattr(args, flag) < 1:
            raise ContractError(
                f"--{flag.replace('_', '-')} {getattr(args, flag)}: expected at least 1"
            )
    return Plan(
        settings=replace(
            SCOPE_START if args.search or args.boosting == "scope" else Settings(),
            seed=args.seed,
            max_rounds=args.max_rounds,
            weigh_classes=args.weigh_classes,
            device=args.device,
        ),
        split=args.split,
        search=args.search,
        threshold=args.threshold,
        min_examples=args.min_examples,
        resamples=args.resamples,
        seed=args.seed,
    )


def names_of(joined: str | None) -> list[str]:
    """Names joined by commas, each once, in order."""
    return list(dict.fromkeys(name.strip() for name in (joined or "").split(",") if name.strip()))
