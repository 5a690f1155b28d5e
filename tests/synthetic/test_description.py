"""The schema and the records agree, and mistakes are named."""

import copy
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml

from mrs_pipeline.commands.simulation_description import description_files, description_mapping, read_description
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.io.config import complete_config, load_schema
from mrs_pipeline.synthetic.description import StudyDescription, description_from_mapping
from mrs_pipeline.synthetic.sections.people import ClinicalScale

CONFIG = Path(__file__).parents[2] / "config" / "simulation"


def test_schema_and_records_have_the_same_keys():
    properties = load_schema("simulation")["properties"]
    assert set(properties) == {field.name for field in fields(StudyDescription)}
    for field in fields(StudyDescription):
        if is_dataclass(field.type):
            section = properties[field.name]
            names = {entry.name for entry in fields(field.type)}
            assert set(section["properties"]) == names == set(section["required"]), field.name
    scale = properties["clinical"]["additionalProperties"]
    assert set(scale["properties"]) == {entry.name for entry in fields(ClinicalScale)} == set(scale["required"])


@pytest.mark.parametrize("path", sorted(CONFIG.rglob("*.yaml")), ids=lambda path: path.stem)
def test_descriptions_of_the_repository_are_valid(path):
    assert read_description(path).name == path.stem


class TestExtends:
    def test_only_what_differs_is_replaced(self, tmp_path, infusion_mapping):
        change = {"extends": str(CONFIG / "infusion.yaml"), "name": "mine", "response": {"plateau_percent": 7.0}}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(change), encoding="utf-8")
        expected = copy.deepcopy(infusion_mapping) | {"name": "mine"}
        expected["response"]["plateau_percent"] = 7.0
        assert description_mapping(tmp_path / "mine.yaml") == expected

    def test_null_takes_a_key_out(self, tmp_path):
        change = {"extends": str(CONFIG / "infusion.yaml"), "clinical": {"cadss": None}}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(change), encoding="utf-8")
        assert set(read_description(tmp_path / "mine.yaml").clinical) == {"madrs", "hamd17", "qids"}

    def test_chain_is_followed_from_folder_to_folder(self):
        files = description_files(CONFIG / "scenarios" / "null_bold_by_treatment.yaml")
        assert [file.name for file in files] == ["null_bold_by_treatment.yaml", "null_bold.yaml", "null_flat.yaml", "infusion.yaml"]

    def test_wrong_key_names_the_file_that_was_asked_for(self, tmp_path):
        (tmp_path / "mine.yaml").write_text(f"extends: {CONFIG / 'infusion.yaml'}\nresponse: {{plateu_percent: 1}}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"mine\.yaml.*plateu_percent.*did you mean 'plateau_percent'"):
            description_mapping(tmp_path / "mine.yaml")

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("extends: mine.yaml\n", "extends itself"),
            ("extends: other.yaml\n", "other.yaml does not exist"),
            ("extends: [a]\n", "'extends' is"),
        ],
    )
    def test_what_cannot_be_followed_is_named(self, text, sentence, tmp_path):
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=sentence):
            description_mapping(tmp_path / "mine.yaml")


def test_unknown_key_is_named_with_the_valid_ones(phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    mapping["receiver"]["n_coil"] = 4
    with pytest.raises(ConfigError, match=r"receiver\.n_coil'.*n_coils.*noise_correlation"):
        complete_config(mapping, source="study.yaml", schema_name="simulation")


def test_missing_key_is_named(phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    del mapping["timing"]["baseline_s"]
    with pytest.raises(ConfigError, match=r"study\.yaml.*timing\.baseline_s"):
        complete_config(mapping, source="study.yaml", schema_name="simulation")


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("timing", "runs", "double"),
        ("receiver", "noise_correlation", 1.0),
        ("design", "n_participants", "six"),
        ("acquisition", "echo_time_s", 30),
        ("frequency", "drift_factor", [1.0]),
        ("clinical", "madrs", 30),
    ],
)
def test_wrong_value_is_named(phantom_mapping, section, key, value):
    mapping = copy.deepcopy(phantom_mapping)
    mapping[section][key] = value
    with pytest.raises(ConfigError, match=rf"{section}\.{key}"):
        complete_config(mapping, source="study.yaml", schema_name="simulation")


def test_ratio_of_a_metabolite_without_concentration(phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    mapping["levels"]["numerator"] = ["Glu", "Glm"]
    with pytest.raises(ConfigError, match=r"'Glm'.*Gln"):
        description_from_mapping(mapping)


def test_metabolite_on_both_sides_of_the_ratio(phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    mapping["levels"]["denominator"] = ["NAA", "Glu"]
    with pytest.raises(ConfigError, match="numerator"):
        description_from_mapping(mapping)


@pytest.mark.parametrize(
    ("section", "change", "sentence"),
    [
        ("motion", {"burst_transients": [6, 2]}, r"motion\.burst_transients starts above its end"),
        ("frequency", {"cooling_hz": [5, 2]}, r"frequency\.cooling_hz starts above its end"),
        ("voxel", {"grey_matter": 0.9, "csf": 0.2}, "no white matter"),
        ("voxel", {"wrong_grey_matter": 0.99}, "wrong_grey_matter"),
        ("relaxation", {"metabolite_t1_s": {"Glu": [1.2, 1.2]}}, r"metabolite_t1_s has no 'default'"),
        ("levels", {"white_matter_ratio": {"Glx": 0.5}}, "white_matter_ratio: 'Glx'"),
        ("basis", {"pulses": "real"}, r"'real'.*ge_press.*ideal"),
    ],
)
def test_values_that_contradict_each_other(section, change, sentence, phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    mapping[section].update(change)
    with pytest.raises(ConfigError, match=sentence):
        description_from_mapping(mapping)


@pytest.mark.parametrize(
    ("change", "sentence"), [({"score_range": [60, 0]}, "madrs: score_range"), ({"times": {"before": 1.0}}, "madrs: the time 'before'")]
)
def test_scales_that_make_no_sense(change, sentence, phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    mapping["clinical"]["madrs"].update(change)
    with pytest.raises(ConfigError, match=sentence):
        description_from_mapping(mapping)


def test_lorentzian_part_wider_than_the_line(phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    mapping["lineshape"]["lorentzian_hz"] = 5.0
    with pytest.raises(ConfigError, match="lorentzian_hz"):
        description_from_mapping(mapping)
