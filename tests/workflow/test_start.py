"""What happens before the first job: which jobs there will be, whose configuration counts, and one sentence for what is wrong."""

import shutil
from pathlib import Path

import pytest
import yaml

from mrs_pipeline.commands.study import study_config, study_sessions
from mrs_pipeline.errors import MrsPipelineError

ROOT = Path(__file__).parents[2]
PHANTOM = yaml.safe_load((ROOT / "config" / "phantom.yaml").read_text(encoding="utf-8"))

SENTINEL = {
    "study": {"name": "sentinel"},
    "simulation": {"description": "simulation.yaml"},
    "basis": {"sequence": "press", "echo_time_s": 0.03, "echo_time_1_s": 0.012},
    "windows": {"event": "infusion", "infusion": {"start_s": 0, "stop_s": 120, "width_s": 24}},
    "fitting": {"max_iterations": 39},
}


@pytest.fixture
def study(make_study, tmp_path):
    return make_study(tmp_path / "study")


def test_jobs_of_the_phantom_study(make_study, tmp_path):
    """As the README runs it: six people with two visits each, from committed raw data."""
    study = make_study(tmp_path / "study", participants=0)
    shutil.copytree(ROOT / "test_data", study.folder / "test_data")
    shutil.copy2(ROOT / "config" / "phantom.yaml", study.folder / "config")
    sessions = {"preprocess": 12, "timecourse": 12, "session_page": 12}
    jobs = {**sessions, **dict.fromkeys(("basis", "collect", "contrast", "linewidth", "group_page", "basis_page", "describe"), 1)}
    assert study.planned(configfile="config/phantom.yaml") == jobs


def test_other_study_takes_nothing_from_the_default_one(study):
    """The default study is simulated and has own fitting options; a study named by --configfile has neither."""
    (study.folder / "config" / "config.yaml").write_text(yaml.safe_dump(SENTINEL), encoding="utf-8")
    (study.folder / "simulation.yaml").write_text(f"extends: {ROOT}/config/simulation/phantom.yaml\n", encoding="utf-8")
    pages = {"session_page", "group_page", "basis_page"}
    assert set(study.planned()) == {"basis", "preprocess", "timecourse", "collect", "contrast", "linewidth", "describe", *pages}
    listed = study.run("--dry-run", "--printshellcmds").stdout
    assert "sentinel" not in listed
    shown = study.folder / "workflow" / "rules" / "common.smk"
    line = 'print("ITERATIONS", STUDY["fitting"]["max_iterations"], STUDY["simulation"])'
    shown.write_text(f"{shown.read_text(encoding='utf-8')}\n\n{line}\n", encoding="utf-8")
    assert "ITERATIONS 40 None" in study.run("--dry-run").stdout


def test_default_study_without_configfile(study):
    (study.folder / "config" / "config.yaml").write_text(yaml.safe_dump(SENTINEL), encoding="utf-8")
    (study.folder / "simulation.yaml").write_text(f"extends: {ROOT}/config/simulation/phantom.yaml\n", encoding="utf-8")
    jobs = study.planned(configfile=None)
    assert jobs["simulate_dataset"] == jobs["simulate_basis"] == 1
    assert jobs["simulate_sub01_ses1"] == 1
    assert jobs["preprocess"] == 12


WRONG_AT_START = {
    "typo": (lambda config: config.update(statistic=config.pop("statistics")), "unknown key 'statistic' (did you mean 'statistics'?)"),
    "overlap": (lambda config: config["windows"]["infusion"].update(start_s=-30), "windows.baseline and windows.infusion overlap"),
    "nobody": (lambda config: config["study"].update(bids_dir="nowhere"), "nowhere is not a folder"),
}


@pytest.mark.parametrize("case", WRONG_AT_START)
def test_run_stops_before_its_first_job(case, study):
    change, sentence = WRONG_AT_START[case]
    study.configure(change)
    done = study.run()
    assert done.returncode != 0
    assert sentence in done.stdout
    assert "Traceback" not in done.stdout
    assert not study.results.exists()


def change(section, **values):
    def changed(config):
        target = config
        for key in section.split("."):
            target = target.setdefault(key, {})
        target.update(values)

    return changed


WRONG = {
    "unknown section": (lambda config: config.update(windos={}), "unknown key 'windos' (did you mean 'windows'?)"),
    "unknown key": (change("windows", evnt=1), "unknown key 'windows.evnt' (did you mean 'event'?): use one of "),
    "type": (change("basis", n_points="many"), "'basis.n_points' is 'many': expected a value of type integer"),
    "range": (change("basis", echo_time_s=30), "'basis.echo_time_s' is 30: expected at most 1"),
    "metabolite": (change("basis", metabolites=["NAA", "NAX"]), "NAX"),
    "macromolecule": (
        change("basis", macromolecules=["MM99"]),
        "unknown macromolecule or lipid in basis.macromolecules 'MM99': use",
    ),
    "sequence": (change("basis", sequence="pres"), "unknown sequence 'pres': use one of"),
    "step": (change("preprocessing", steps=[{"step": "alinment"}]), "unknown preprocessing step 'alinment': use one of alignment"),
    "option of a step": (change("preprocessing", steps=[{"step": "alignment", "max_shift": 3}]), "max_shift"),
    "analysis": (change("statistics", analyses=["t_test"]), "t_test"),
    "primary analysis": (change("statistics.primary", analysis="t_test"), "t_test"),
    "measure": (change("statistics", measures=["Glx/Cr"]), "unknown measure in the statistics section 'Glx/Cr': use one of"),
    "condition": (change("statistics", conditions=["placebo", "saline"]), "'saline': use one of naltrexone, placebo"),
    "metabolite of a measure": (change("measures", Asp={"sum": ["Asp", "Foo"]}), "Foo"),
    "fitted range": (change("fitting", ppm_range=[4.0, 0.2]), "ppm_range"),
    "empty stretch": (change("windows", infusion={"start_s": 0, "stop_s": 0, "width_s": 24}), "windows.infusion"),
    "baseline after the event": (change("windows", baseline={"start_s": 0, "stop_s": 24, "width_s": 24}), "windows.baseline.stop_s is 24"),
    "no windows": (change("windows", baseline=None, infusion=None), "neither a baseline nor an infusion"),
    "two origins": (change("simulation", description="x.yaml"), "data come from exactly one of"),
    "participant": (change("selection", participants=["99"]), "unknown participant in selection.participants '99': use one of 01, 02"),
    "task": (change("selection", task="rest"), "holds no single-voxel data"),
    "name": (change("study", name="../x"), "'study.name' is '../x'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_mistake_has_its_sentence(case):
    changed, sentence = WRONG[case]
    config = yaml.safe_load(yaml.safe_dump(PHANTOM))
    config["study"]["bids_dir"] = str(ROOT / "test_data")
    changed(config)
    with pytest.raises(MrsPipelineError) as caught:
        study_sessions(study_config(config, source="study.yaml"))
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message
