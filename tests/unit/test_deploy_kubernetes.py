"""deploy/k8s: the manifests against their schema, the settings, the image; the entrypoint."""

import copy
import importlib.util
import json
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pyspark
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "deploy" / "k8s"
MANIFEST = FOLDER / "infer_fields.yaml"
STREAM = FOLDER / "score_alerts.yaml"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
each_manifest = pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
DOCKERFILE = (PROJECT / "deploy" / "Dockerfile").read_text()
SCHEMA = json.loads((FOLDER / "sparkapplication.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def load_render():
    spec = importlib.util.spec_from_file_location("render", FOLDER / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def manifest():
    return yaml.safe_load(MANIFEST.read_text())


@pytest.fixture
def stream():
    return yaml.safe_load(STREAM.read_text())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@each_manifest
def test_every_manifest_fits_the_schema(path):
    manifest = yaml.safe_load(path.read_text())
    assert [error.message for error in VALIDATOR.iter_errors(manifest)] == []


def broken(manifest, path, value):
    """A copy of the manifest with one value set; None takes the key out."""
    result = copy.deepcopy(manifest)
    *parents, key = path.split(".")
    place = result
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return result


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.sparkConfs", {"spark.a": "1"}),
        ("spec.sparkConf", {"spark.a": True}),
        ("spec.sparkConf", {"spark.a": 1000}),
        ("spec.type", "python"),
        ("spec.mode", "Cluster"),
        ("spec.sparkVersion", 4.0),
        ("spec.sparkVersion", None),
        ("spec.mainApplicationFile", None),
        ("spec.driver", None),
        ("spec.driver.cores", "1"),
        ("spec.driver.instances", 2),
        ("spec.driver.serviceaccount", "spark"),
        ("spec.executor.instances", 0),
        ("spec.executor.memory", 4),
        ("spec.executor.securityContext", {"allowPriviledgeEscalation": False}),
        ("spec.executor.podSecurityContext", {"runAsNonRoot": "true"}),
        ("spec.executor.volumeMounts", [{"name": "warehouse"}]),
        ("spec.executor.envFrom", [{"secret": {"name": "keys"}}]),
        ("spec.restartPolicy", {"type": "onFailure"}),
        ("spec.restartPolicy", {"type": "OnFailure", "onFailureRetryInterval": 0}),
        ("spec.arguments", ["--fields", 245]),
        ("apiVersion", "sparkoperator.k8s.io/v1beta1"),
        ("metadata.name", "infer_fields"),
    ],
)
def test_a_typing_error_is_refused(manifest, path, value):
    assert not VALIDATOR.is_valid(broken(manifest, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.restartPolicy.type", "always"),
        ("spec.driver.terminationGracePeriodSeconds", "120"),
        ("spec.driver.terminationGracePeriod", 120),
        ("spec.driver.configMaps", [{"name": "lambdasky-kafka"}]),
        ("spec.driver.ports", [{"name": "metrics", "containerPort": 8090}]),
        ("spec.driver.ports", [{"name": "metrics", "protocol": "tcp", "containerPort": 8090}]),
        ("spec.driver.lifecycle", {"prestop": {"exec": {"command": ["true"]}}}),
        ("spec.driver.lifecycle.preStop", {"exec": {"command": "true"}}),
        ("spec.driver.annotations", {"prometheus.io/port": 8090}),
        ("spec.arguments", ["--metrics-port", 8090]),
    ],
)
def test_a_typing_error_in_the_stream_is_refused(stream, path, value):
    assert VALIDATOR.is_valid(stream)
    assert not VALIDATOR.is_valid(broken(stream, path, value))


@each_manifest
def test_the_settings_are_those_of_conf_spark(path):
    # If this fails: python deploy/k8s/render.py
    text = path.read_text()
    assert load_render().render(text) == text


def test_rendering_replaces_what_stood_there():
    text = MANIFEST.read_text()
    stale = re.sub(r"    spark\.sql\.session\.timeZone: .*\n", "    spark.old: '1'\n", text)
    assert stale != text
    assert load_render().render(stale) == text


@each_manifest
def test_versions_and_paths_are_those_of_the_image(path):
    spec = yaml.safe_load(path.read_text())["spec"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert spec["sparkVersion"] == pyspark.__version__
    assert spec["image"] == f"lambdasky:{project['version']}"
    assert f"-t {spec['image']} " in DOCKERFILE
    paths = load_render().IMAGE_PATHS
    assert f"WORKDIR {paths['PROJECT']}\n" in DOCKERFILE
    assert f"PYSPARK_PYTHON={paths['PYTHON']} " in DOCKERFILE
    jars = paths["JARS"].removeprefix(f"{paths['PROJECT']}/")
    assert f"-retrieve '{jars}/" in DOCKERFILE


def program_of(manifest):
    """The file in this project that is started in the image."""
    root = f"local://{load_render().IMAGE_PATHS['PROJECT']}/"
    assert manifest["spec"]["mainApplicationFile"].startswith(root)
    return PROJECT / manifest["spec"]["mainApplicationFile"].removeprefix(root)


@each_manifest
def test_the_program_knows_its_arguments(path):
    manifest = yaml.safe_load(path.read_text())
    shown = subprocess.run(
        [sys.executable, program_of(manifest), "--help"], capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE))
    arguments = manifest["spec"]["arguments"]
    assert {word for word in arguments if word.startswith("--")} <= known
    warehouse = arguments[arguments.index("--warehouse") + 1].removeprefix("file://")
    mounts = manifest["spec"]["driver"]["volumeMounts"]
    assert warehouse in {mount["mountPath"] for mount in mounts}


def argument(manifest, name):
    arguments = manifest["spec"]["arguments"]
    return arguments[arguments.index(name) + 1]


def test_the_stream_finds_its_broker_and_keeps_its_checkpoint(stream):
    (settings,) = stream["spec"]["driver"]["configMaps"]
    assert argument(stream, "--kafka") == f"{settings['path']}/kafka.toml"
    warehouse = argument(stream, "--warehouse")
    assert argument(stream, "--checkpoint").startswith(f"{warehouse}/")


def test_prometheus_looks_where_the_stream_tells(stream):
    driver = stream["spec"]["driver"]
    port = argument(stream, "--metrics-port")
    assert driver["annotations"]["prometheus.io/port"] == port
    assert [str(entry["containerPort"]) for entry in driver["ports"]] == [port]


def test_the_stream_starts_again_and_has_time_to_stop(stream):
    assert stream["spec"]["restartPolicy"] == {"type": "Always"}
    grace_s = stream["spec"]["driver"]["terminationGracePeriodSeconds"]
    assert grace_s > int(argument(stream, "--stop-seconds"))


def test_the_stream_gets_its_signal_before_java(stream, tmp_path):
    # Its command as it stands, but for a project folder of its own: another stream may run here.
    shell, option, command = stream["spec"]["driver"]["lifecycle"]["preStop"]["exec"]["command"]
    program = tmp_path / "streaming" / "run.py"
    program.parent.mkdir()
    program.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    other = tmp_path / "other.py"
    other.write_text(program.read_text())
    processes = [
        subprocess.Popen([sys.executable, path, "--kafka", "x"], stdout=subprocess.PIPE)
        for path in (program, other)
    ]
    try:
        for process in processes:
            assert process.stdout.readline() == b"up\n"
        assert "/opt/lambdasky/" in command
        own = command.replace("/opt/lambdasky/", f"{tmp_path}/")
        stopping = subprocess.Popen([shell, option, own])
        assert processes[0].wait(timeout=30) == -signal.SIGTERM
        assert stopping.wait(timeout=30) == 0
        assert processes[1].poll() is None
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()


@each_manifest
@pytest.mark.parametrize("role", ["driver", "executor"])
def test_pods_do_not_run_as_root(path, role):
    pod = yaml.safe_load(path.read_text())["spec"][role]
    assert pod["podSecurityContext"]["runAsNonRoot"] is True
    assert f"USER {pod['podSecurityContext']['runAsUser']}\n" in DOCKERFILE
    assert pod["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@each_manifest
def test_every_mount_has_its_volume(path):
    manifest = yaml.safe_load(path.read_text())
    volumes = {volume["name"] for volume in manifest["spec"]["volumes"]}
    for role in ("driver", "executor"):
        assert {mount["name"] for mount in manifest["spec"][role]["volumeMounts"]} == volumes


@each_manifest
def test_secrets_come_from_the_cluster(path):
    # The only way into the environment is by the name of a secret.
    manifest = yaml.safe_load(path.read_text())
    for role in ("driver", "executor"):
        assert "env" not in manifest["spec"][role]
        assert {key for source in manifest["spec"][role]["envFrom"] for key in source} == {
            "secretRef"
        }
    assert not [key for key in manifest["spec"]["sparkConf"] if key.startswith("spark.hadoop.")]


EXECUTOR = {
    "PATH": "/usr/bin:/bin",
    "JAVA_HOME": "/java",
    "SPARK_HOME": "/spark",
    "SPARK_CLASSPATH": "/jars/*",
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@driver:7078",
    "SPARK_EXECUTOR_ID": "7",
    "SPARK_EXECUTOR_CORES": "4",
    "SPARK_EXECUTOR_MEMORY": "4096m",
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.7",
    "SPARK_EXECUTOR_POD_NAME": "infer-fields-exec-7",
    "SPARK_RESOURCE_PROFILE_ID": "0",
}


def entrypoint(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FOLDER / "entrypoint.sh", "--dry-run", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )


def test_the_executor_is_started_from_the_environment():
    options = {f"SPARK_JAVA_OPT_{n}": f"-Doption={n}" for n in range(11)}
    options["SPARK_JAVA_OPT_1"] = "-Dtwo=words here"
    lines = entrypoint("executor", **EXECUTOR, **options).stdout.splitlines()
    # In the order of their numbers, 10 after 9, and a space does not cut one in two.
    assert lines[:12] == ["/java/bin/java", *(options[f"SPARK_JAVA_OPT_{n}"] for n in range(11))]
    assert lines[12:] == [
        "-Xms4096m", "-Xmx4096m", "-cp", "/spark/conf:/jars/*:/spark/jars/*",
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        "--driver-url", "spark://CoarseGrainedScheduler@driver:7078",
        "--executor-id", "7", "--cores", "4", "--app-id", "spark-1", "--hostname", "10.0.0.7",
        "--resourceProfileId", "0", "--podName", "infer-fields-exec-7",
    ]  # fmt: skip


def test_the_mounted_settings_come_first_on_the_class_path():
    lines = entrypoint("executor", **EXECUTOR, SPARK_CONF_DIR="/opt/spark/conf").stdout
    assert "\n/opt/spark/conf:/jars/*:/spark/jars/*\n" in lines


def test_a_missing_variable_is_named():
    result = entrypoint("executor", **{**EXECUTOR, "SPARK_DRIVER_URL": ""})
    assert result.returncode == 1
    assert "SPARK_DRIVER_URL is not set" in result.stderr


def test_the_driver_is_started_by_spark_submit():
    rest = ["--properties-file", "/opt/spark/conf/spark.properties", "local:///a b.py", "--fields"]
    result = entrypoint("driver", *rest, SPARK_HOME="/spark", SPARK_DRIVER_BIND_ADDRESS="10.0.0.2")
    assert result.stdout.splitlines() == [
        "/spark/bin/spark-submit", "--deploy-mode", "client",
        "--conf", "spark.driver.bindAddress=10.0.0.2", *rest,
    ]  # fmt: skip


def test_other_commands_run_as_they_stand():
    assert entrypoint("spark-submit", "a b", "c").stdout.splitlines() == [
        "spark-submit",
        "a b",
        "c",
    ]
    assert entrypoint().returncode == 1


def test_render_runs_as_a_command(tmp_path):
    (tmp_path / "render.py").write_text((FOLDER / "render.py").read_text())
    for path in MANIFESTS:
        stale = path.read_text().replace('timeZone: "UTC"', 'timeZone: "CET"')
        (tmp_path / path.name).write_text(stale)
    subprocess.run([sys.executable, tmp_path / "render.py"], check=True)
    for path in MANIFESTS:
        assert (tmp_path / path.name).read_text() == path.read_text()
