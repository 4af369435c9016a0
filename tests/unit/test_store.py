import json

import pytest
from made_models import SETS, save_networks, save_trees

from models import store
from models.registry import candidates_of
from models.suitable import check_columns
from udfs.errors import ContractError


@pytest.fixture
def files(tmp_path):
    return store.LocalFiles(tmp_path)


def save(files, content, note, name="a.ubj"):
    return store.save(
        files, {name: content}, algorithm="xgb",
        described={"labels": {"ea": {"file": "a.ubj"}}}, informative={"code_version": note},
    )  # fmt: skip


def test_version_follows_the_content_and_nothing_else(files):
    assert save(files, b"1", "one") == save(files, b"1", "two") != save(files, b"2", "one")


def test_a_training_again_by_other_code_leaves_the_set_readable(files):
    first = save(files, b"1", "one")
    assert save(files, b"1", "two") == first
    assert store.read_manifest(files, "xgb", first)["code_version"] == "two"


def test_a_label_without_its_file_is_refused(files):
    with pytest.raises(ContractError, match="label ea: its model a.ubj is not among the files"):
        save(files, b"1", "one", name="b.ubj")
    assert files.names("xgb") == []


def test_a_kill_before_the_manifest_leaves_no_set(tmp_path):
    class Breaks(store.LocalFiles):
        def write(self, path, content):
            if path.endswith("manifest.json"):
                raise KeyboardInterrupt
            super().write(path, content)

    with pytest.raises(KeyboardInterrupt):
        save(Breaks(tmp_path), b"1", "one")
    (version,) = store.LocalFiles(tmp_path).names("xgb")
    with pytest.raises(ContractError, match="there are no models"):
        store.load(store.LocalFiles(tmp_path), "xgb", version)


def test_labels_of_one_file_are_loaded_once_and_alone_if_asked(files):
    networks = store.load(files, "dnn", save_networks(files))
    assert list(networks.files) == ["multi.npz"] and networks.scaler is not None
    assert networks.model_of("rrab") is networks.model_of("ea")
    version = save_trees(files)
    both, one = store.load(files, "xgb", version), store.load(files, "xgb", version, labels=["ea"])
    assert (both.labels, list(both.files)) == (("ea", "rrab"), ["ea.ubj", "rrab.ubj"])
    assert (one.labels, list(one.files)) == (("ea",), ["ea.ubj"])
    assert one.name == f"xgb-{version}" and one.features_of("ea") == SETS.phenomenological
    with pytest.raises(ContractError, match="have no label 'ew'"):
        store.load(files, "xgb", version, labels=["ew"])


@pytest.mark.parametrize("name", ["ea.ubj", "imputer.npz"])
def test_damaged_and_missing_files_are_named_with_their_checksums(files, name):
    version = save_trees(files)
    noted = store.read_manifest(files, "xgb", version)["files"][name]
    path = files.root / "xgb" / version / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ContractError, match=rf"{name} is damaged: its SHA-256 .* {noted[:12]}"):
        store.load(files, "xgb", version)
    path.unlink()
    with pytest.raises(ContractError, match=rf"{name} is missing \(SHA-256 {noted[:12]}"):
        store.load(files, "xgb", version)


def test_a_file_swapped_together_with_its_manifest_is_noticed(files):
    version = save_trees(files)
    manifest = store.read_manifest(files, "xgb", version)
    (model,) = [
        m for m in candidates_of(manifest, dict.fromkeys(manifest["files"], 1), metrics={},
                                 data_versions={}, now=None) if m.label == "ea"
    ]  # fmt: skip
    other = save_trees(files, rounds=3)
    folder = files.root / "xgb" / version
    (folder / "ea.ubj").write_bytes(files.read(f"xgb/{other}/ea.ubj"))
    manifest["files"]["ea.ubj"] = store.read_manifest(files, "xgb", other)["files"]["ea.ubj"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ContractError, match="manifest.json is damaged: its checksum is"):
        store.load(files, "xgb", version)
    # And a registry that noted another file than the manifest says wins.
    with pytest.raises(ContractError, match="ea.ubj is damaged"):
        store.load(files, "xgb", other, checksums=model.checksums)


def test_a_manifest_that_is_no_json_is_damaged(files):
    version = save_trees(files)
    (files.root / "xgb" / version / "manifest.json").write_text("{")
    with pytest.raises(ContractError, match="manifest.json is damaged: restore it"):
        store.load(files, "xgb", version)


def test_unknown_names_say_what_was_expected(files):
    version = save_trees(files)
    with pytest.raises(ContractError, match=f"did you mean 'xgb-{version}'"):
        store.load(files, "xgb", version[:-1] + "x")
    assert store.split_name(f"xgb-{version}") == ("xgb", version)
    for wrong in ("latest", "forest-12", "xgb-"):
        with pytest.raises(ContractError, match=f"'{wrong}' names no models; expected ALGORITHM"):
            store.split_name(wrong)


def test_tables_that_do_not_suit_are_refused(files):
    models = store.load(files, "xgb", save_trees(files))
    columns = [name for name in SETS.ontological if name != "stetson_k"]
    with pytest.raises(ContractError, match="ea of .* expects 35 features, table has 34: .*'ste"):
        check_columns(models, columns, modes=["fixed"])
    with pytest.raises(ContractError, match="mode 'fixed', the table has 'scope-v0.9.5'"):
        check_columns(models, SETS.ontological, modes=["fixed", "scope-v0.9.5"])
    check_columns(models, SETS.ontological[::-1], modes=["fixed"])
