"""Training time of the networks: beside plain Keras ``fit``, and two Horovod ranks beside one.

Needs a warehouse with features of labelled stars, such as ``make demo DATA=folder`` leaves:

    python benchmarks/network_training.py --warehouse warehouse --data DATA --labels ea,rrab,rscvn
    python benchmarks/network_training.py --warehouse warehouse --data DATA --ranks

Both sides run in this call, on the same two cores, one after the other. Keras has both cores for
one label; our labels run side by side with a core each, as Spark tasks would.
"""

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from label_data import labels_with_examples, read_labelled
from numpy.typing import NDArray

from jobs.common.config import CONF
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from models.imputation import fit_imputer
from models.networks.architecture import SCOPE, Architecture
from models.networks.schedule import Schedule
from models.networks.training import Examples, NetworkPlan, train_network
from models.scaling import fit_scaler
from models.splits import TRAIN, VALIDATION, split_by_star
from models.taxonomy import read_taxonomy

CORES = 2
FIT_BATCH = 64


@dataclass(frozen=True)
class Table:
    """Scaled features, images, answers per label, and the part of each row."""

    features: NDArray[np.float32]
    image: NDArray[np.float32]
    targets: dict[str, NDArray[np.int8]]
    part: NDArray[np.int8]

    def examples(self, label: str, part: int) -> Examples:
        """The rows of a part that answer for a label."""
        answer = self.targets[label]
        target = (answer == 1).astype(np.float32)[:, None]
        return Examples(
            self.features, self.image, target, np.ones_like(target),
            np.flatnonzero((self.part == part) & (answer >= 0)),
        )  # fmt: skip


def read_table(args: argparse.Namespace) -> Table:
    """The stars of the survey, split by star, scaled by the training part."""
    taxonomy = read_taxonomy(CONF / "labels.toml")
    warehouse = Warehouse(open_session("network_training"), args.warehouse)
    labelled = read_labelled(warehouse, Path(args.data), taxonomy, surveys=[args.survey])
    targets = labels_with_examples(labelled, taxonomy)
    sets = labelled.sets["extended"]
    columns = [labelled.data.features.index(name) for name in sets.ontological]
    matrix = labelled.data.matrix[:, columns]
    unknown = np.full(len(matrix), np.nan)
    part = split_by_star(labelled.star.astype(str).tolist(), unknown, unknown)
    filled = fit_imputer(matrix[part == TRAIN], sets).transform(matrix)
    features = fit_scaler(filled[part == TRAIN], args.scaling).transform(filled)
    return Table(features, labelled.images, targets, part)


def keras_fit(table: Table, label: str, epochs: int) -> tuple[float, float, int]:
    """Plain Keras on all cores: seconds, best validation loss, epochs."""
    import keras

    from models.networks.architecture import build

    train, validation = table.examples(label, TRAIN), table.examples(label, VALIDATION)
    model = build(Architecture(SCOPE, table.features.shape[1]))
    model.compile(keras.optimizers.Adam(3e-4, amsgrad=True), "binary_crossentropy")
    start = time.perf_counter()
    history = model.fit(
        [train.features[train.rows], train.image[train.rows]],
        train.target[train.rows],
        validation_data=(
            [train.features[validation.rows], train.image[validation.rows]],
            train.target[validation.rows],
        ),
        batch_size=FIT_BATCH,
        epochs=epochs,
        callbacks=[
            keras.callbacks.ReduceLROnPlateau("val_loss", patience=20, min_delta=1e-4),
            keras.callbacks.EarlyStopping("val_loss", patience=20, restore_best_weights=True),
        ],
        verbose=0,
    ).history["val_loss"]
    return time.perf_counter() - start, min(history), len(history)


def ours(table: Table, label: str, plan: NetworkPlan) -> tuple[float, int]:
    """One label on one core: best validation loss, epochs."""
    trained = train_network(
        Architecture(SCOPE, table.features.shape[1]),
        table.examples(label, TRAIN),
        table.examples(label, VALIDATION),
        plan=plan,
    )
    return trained.state.best_loss, trained.state.epoch


def use_threads(threads: int) -> None:
    """TensorFlow's threads of this process."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def compare_with_fit(table: Table, labels: list[str], plan: NetworkPlan) -> None:
    """Print both sides, label by label, and the ratio of the sums."""
    say = sys.stdout.write
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, mp_context=context, initializer=use_threads,
                             initargs=(1,)) as pool:  # fmt: skip
        # Workers load TensorFlow and trace their step before the clock starts.
        short = replace(plan, epochs=1)
        list(pool.map(ours, [table] * CORES, [labels[0]] * CORES, [short] * CORES))
        start = time.perf_counter()
        found = list(pool.map(ours, [table] * len(labels), labels, [plan] * len(labels)))
        seconds = time.perf_counter() - start
    with ProcessPoolExecutor(1, mp_context=context, initializer=use_threads,
                             initargs=(CORES,)) as pool:  # fmt: skip
        pool.submit(keras_fit, table, labels[0], 1).result()
        peer = [pool.submit(keras_fit, table, label, plan.epochs).result() for label in labels]
    say(f"{'label':8} {'rows':>6}  {'fit: s':>7} {'epochs':>6} {'val loss':>8}"
        f"   {'ours: epochs':>12} {'val loss':>8}\n")  # fmt: skip
    for label, (took, loss, n), (our_loss, our_n) in zip(labels, peer, found, strict=True):
        rows = len(table.examples(label, TRAIN).rows)
        say(f"{label:8} {rows:6}  {took:7.1f} {n:6} {loss:8.4f}   {our_n:12} {our_loss:8.4f}\n")
    total = sum(took for took, *_ in peer)
    say(
        f"fit at batch {FIT_BATCH}: {total:.1f} s, mean validation loss "
        f"{np.mean([p[1] for p in peer]):.4f}; ours at batch {plan.batch}: {seconds:.1f} s, "
        f"{np.mean([f[0] for f in found]):.4f}; ratio {total / seconds:.2f}\n"
    )


def epochs_on_rank(table: Table, label: str, plan: NetworkPlan) -> float:
    """Seconds of the epochs after the first, on a rank."""
    from models.networks.ranks import HorovodRanks

    use_threads(1)
    ends: list[float] = []
    train_network(
        Architecture(SCOPE, table.features.shape[1]),
        table.examples(label, TRAIN),
        table.examples(label, VALIDATION),
        plan=plan,
        ranks=HorovodRanks(),
        on_epoch=lambda _epoch, _record: ends.append(time.perf_counter()),
    )
    return ends[-1] - ends[0]


def times_over(table: Table, times: int) -> Table:
    """A survey with so many times as many stars: the same ones again."""
    return Table(
        np.tile(table.features, (times, 1)),
        np.tile(table.image, (times, 1, 1, 1)),
        {name: np.tile(target, times) for name, target in table.targets.items()},
        np.tile(table.part, times),
    )


def compare_ranks(table: Table, label: str, plan: NetworkPlan, rounds: int) -> None:
    """Print the time of the same epochs on one rank and on two, in turns; medians of all rounds."""
    import cloudpickle
    import horovod

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    say = sys.stdout.write
    say(f"{label}, {plan.epochs - 1} epochs of {len(table.examples(label, TRAIN).rows)} rows at "
        f"batch {plan.batch}\n")  # fmt: skip
    found = []
    for _ in range(rounds):
        one, two = (
            horovod.run(epochs_on_rank, (table, label, plan), num_proc=n, use_gloo=True)[0]
            for n in (1, CORES)
        )
        found.append((one, two, one / two))
        say(f"one rank {one:.1f} s, two ranks {two:.1f} s, ratio {one / two:.2f}\n")
    one, two, ratio = np.median(found, axis=0)
    say(f"medians: one rank {one:.1f} s, two ranks {two:.1f} s, ratio {ratio:.2f}\n")


def main() -> None:
    """Read the table, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--data", required=True, help="folder of the real data sets")
    parser.add_argument("--survey", default="crts_csdr1")
    parser.add_argument("--labels", default="ea,rrab,rrc,rscvn")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=NetworkPlan().batch)
    parser.add_argument("--learning-rate", type=float, default=Schedule().learning_rate)
    parser.add_argument("--scaling", default="min_max")
    parser.add_argument("--ranks", action="store_true", help="two Horovod ranks beside one")
    parser.add_argument("--rounds", type=int, default=3, help="of one rank and two, in turns")
    parser.add_argument("--times", type=int, default=1, help="each star so many times")
    args = parser.parse_args()
    table = times_over(read_table(args), args.times)
    labels = args.labels.split(",")
    plan = NetworkPlan(
        epochs=args.epochs,
        batch=args.batch,
        schedule=Schedule(learning_rate=args.learning_rate),
    )
    if args.ranks:
        compare_ranks(table, labels[0], plan, args.rounds)
    else:
        compare_with_fit(table, labels, plan)


if __name__ == "__main__":
    main()
