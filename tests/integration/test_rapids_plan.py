"""What the RAPIDS plugin leaves on the CPU, as its explainOnly mode tells without a GPU."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.common.spark_settings import default_variables

# Plans over Delta's own log and statistics, which are not ours.
DELTA = re.compile(r"delta|SingleAction|JsonFileFormat|commitInfo#|checkpointMetadata#|numRecords")
# The answers to DESCRIBE and the like, and the row that a job adds to the table of runs.
BOOKKEEPING = {"CommandResultExec", "RDDScanExec"}
OFF_GPU = {
    "compute_features": BOOKKEEPING
    | {
        # The plugin knows mapInArrow (the features of a block), but not applyInArrow, which plans
        # the blocks of a quadrant.
        "FlatMapGroupsInArrowExec",
        # The plan of the blocks is read several times and kept in Spark's own cache.
        "InMemoryTableScanExec",
    },
    # The models' mapInArrow, the scan and the write are all taken.
    "infer_fields": BOOKKEEPING,
}


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """Of each job, what the plugin says of each plan."""
    jars = Path(default_variables()["JARS"])
    if not list(jars.glob("rapids-4-spark_*.jar")):
        pytest.skip(f"{jars} has no RAPIDS jar (1 GB): make setup RAPIDS=1")
    script = Path(__file__).with_name("rapids_script.py")
    run = subprocess.run(
        [sys.executable, script, tmp_path_factory.mktemp("plans")], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-3000:]
    jobs = re.split(r"^===== (\w+)\n", run.stderr, flags=re.M)
    return {
        job: re.split(r"^\d\d:\d\d:\d\d ", text, flags=re.M)
        for job, text in zip(jobs[1::2], jobs[2::2], strict=True)
    }


@pytest.mark.parametrize("job", OFF_GPU)
def test_operators_that_stay_off_the_gpu(explained, job):
    plans = [p for p in explained[job] if p.startswith("WARN GpuOverrides") and not DELTA.search(p)]
    found = {name for p in plans for name in re.findall(r"^ *! ?(?:Exec )?<(\w+Exec)>", p, re.M)}
    assert found == set(OFF_GPU[job])


@pytest.mark.parametrize("job", OFF_GPU)
def test_expressions_of_ours_run_on_the_gpu(explained, job):
    plans = [p for p in explained[job] if p.startswith("WARN GpuOverrides") and not DELTA.search(p)]
    assert not [line for p in plans for line in re.findall(r"^ *!Expression .*", p, re.M)]
