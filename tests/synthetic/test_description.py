"""The schema and the records agree, and mistakes are named."""

import copy
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from mrs_pipeline.commands.simulate import read_description
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.io.config import complete_config, load_schema
from mrs_pipeline.synthetic.description import StudyDescription, description_from_mapping

CONFIG = Path(__file__).parents[2] / "config" / "simulation"


def test_schema_and_records_have_the_same_keys():
    properties = load_schema("simulation")["properties"]
    assert set(properties) == {field.name for field in fields(StudyDescription)}
    for field in fields(StudyDescription):
        if is_dataclass(field.type):
            section = properties[field.name]
            names = {entry.name for entry in fields(field.type)}
            assert set(section["properties"]) == names == set(section["required"]), field.name


@pytest.mark.parametrize("name", ["infusion", "phantom"])
def test_descriptions_of_the_repository_are_valid(name):
    assert read_description(CONFIG / f"{name}.yaml").name == name


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


def test_lorentzian_part_wider_than_the_line(phantom_mapping):
    mapping = copy.deepcopy(phantom_mapping)
    mapping["lineshape"]["lorentzian_hz"] = 5.0
    with pytest.raises(ConfigError, match="lorentzian_hz"):
        description_from_mapping(mapping)
