"""The published constants: sources, choice, own numbers, and field."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.quantification.constants import check_field, relaxation_data, selected_constants
from tests.quantification.situations import published


def test_every_number_has_a_source() -> None:
    data = relaxation_data()
    for entry in data["water"].values():
        for key in ("t1_s", "t2_s", "content_kg_per_l"):
            for value, source in entry[key].values():
                assert 0 < value < 10
                assert source in data["sources"]
    for entry in data["metabolites"].values():
        for row in entry["values"].values():
            assert {row["t1_source"], row["t2_source"]} <= set(data["sources"])
            assert all(0.05 < value < 3 for value in (*row["t1_s"], *row["t2_s"]))


def test_no_source_is_left_over() -> None:
    data = relaxation_data()
    used = {source for entry in data["water"].values() for key in ("t1_s", "t2_s", "content_kg_per_l") for _, source in entry[key].values()}
    used |= {row[key] for entry in data["metabolites"].values() for row in entry["values"].values() for key in ("t1_source", "t2_source")}
    assert used == set(data["sources"])


def test_numbers_of_the_design_document() -> None:
    """methods.md section 7: water of both sets; Mlynarik 2001 and Wyss 2018 (occipital and cingulate cortex, white matter)."""
    ours, survey = published(), published("survey", "survey")
    assert ours.water_t1_s.tolist() == [1.331, 0.832, 3.817]
    assert ours.water_t2_s.tolist() == [0.110, 0.0792, 0.503]
    assert survey.water_t1_s.tolist() == [1.50, 0.97, 4.47]
    assert survey.water_t2_s.tolist() == [0.088, 0.073, 2.030]
    assert ours.water_content_kg_per_l.tolist() == survey.water_content_kg_per_l.tolist() == [0.78, 0.65, 0.97]
    design_ms = {
        "Glu": (135, 122, 124), "Gln": (122, 99, 168), "NAA": (253, 263, 343), "NAAG": (128, 107, 185), "Cr": (148, 144, 166),
        "GPC": (274, 222, 218), "Ins": (244, 229, 161), "GSH": (100, 77, 145), "Lac": (110, 99, 159), "Asp": (111, 90, 148),
    }  # fmt: skip
    cingulate = published(metabolites="mlynarik2001_wyss2018_acc")
    for name, (occipital, acc, white) in design_ms.items():
        assert ours.t2_s([name])[0] * 1000 == pytest.approx([(occipital + acc) / 2, white])
        assert cingulate.t2_s([name])[0] * 1000 == pytest.approx([acc, white])
    for name, t1_ms in {"Glu": (1270, 1170), "NAA": (1470, 1350), "Cr": (1460, 1240), "PCh": (1300, 1080), "Ins": (1230, 1010)}.items():
        assert ours.t1_s([name])[0] * 1000 == pytest.approx(t1_ms)
    assert ours.t1_s(["Ala"])[0].tolist() == [1.34, 1.19]


def test_the_two_sets_of_metabolites_share_all_but_grey_matter_t2() -> None:
    sets = relaxation_data()["metabolites"]
    one, other = sets["mlynarik2001_wyss2018"]["values"], sets["mlynarik2001_wyss2018_acc"]["values"]
    assert one.keys() == other.keys()
    for name, row in one.items():
        assert row["t1_s"] == other[name]["t1_s"]
        assert row["t2_source"] == "wyss2018_no_white" or row["t2_s"][1] == other[name]["t2_s"][1]


def test_own_numbers_take_the_place_of_published_ones() -> None:
    own = {
        "water": {"csf": {"t1_s": 4.3}, "grey_matter": {"content_kg_per_l": 0.83}},
        "metabolites": {"mI": {"t2_s": [0.2, 0.15]}, "Ala": {"t1_s": 1.5}, "default": {"t2_s": 0.1}},
    }
    constants = selected_constants(water="wansapura1999", metabolites="mlynarik2001_wyss2018", own=own)
    assert constants.water_t1_s.tolist() == [1.331, 0.832, 4.3]
    assert constants.water_content_kg_per_l.tolist() == [0.83, 0.65, 0.97]
    assert constants.t2_s(["Ins", "Ala", "Val"]).tolist() == [[0.2, 0.15], [0.14, 0.169], [0.1, 0.1]]
    assert constants.t1_s(["Ins", "Ala"]).tolist() == [[1.23, 1.01], [1.5, 1.5]]
    assert "own numbers" in constants.sources


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"water": "wansapura"}, "unknown set of water constants 'wansapura': use one of rooney2007_7t"),
        ({"metabolites": "mlynarik"}, "unknown set of metabolites constants"),
        ({"water": "survey_7t"}, "is of 7 T and metabolite_constants .* is of 3 T: choose two sets of one field|of 7 T .* of 3 T"),
        ({"own": {"water": {"blood": {"t1_s": 1.0}}}}, "unknown compartment in quantification.constants.water 'blood'"),
        ({"own": {"water": {"csf": {"t1_s": -1.0}}}}, r"quantification.constants.water.csf.t1_s is -1.0: a positive number"),
        ({"own": {"metabolites": {"Glu": {"t1_s": [1.0, 0.0]}}}}, r"metabolites.Glu.t1_s is 0.0: a positive number"),
        ({"own": {"metabolites": {"Glu": {"t2_s": [0.1, 0.1, 0.1]}}}}, r"metabolites.Glu.t2_s has 3 values"),
    ],
)
def test_wrong_choices_are_named(choice: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        selected_constants(**{"water": "wansapura1999", "metabolites": "mlynarik2001_wyss2018", **choice})


def test_constants_of_another_field_are_refused() -> None:
    check_field(published(), spectrometer_frequency_mhz=123.2)  # 2.89 T, as 3 T scanners of one vendor have it
    check_field(published("rooney2007_7t", "survey_7t"), spectrometer_frequency_mhz=297.2)
    with pytest.raises(ConfigError, match=r"are of 3 T, but the data are of 6\.98 T: choose among .*rooney2007_7t \(7 T\)"):
        check_field(published(), spectrometer_frequency_mhz=297.2)
    own = selected_constants(water="survey", metabolites="survey", own={"field_t": 1.5})
    check_field(own, spectrometer_frequency_mhz=63.9)
    assert np.isclose(own.field_t, 1.5)
