"""A study as the workflow sees it: its checked configuration, its sessions, and where their files lie."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mrs_pipeline.basis.macromolecules import macromolecule_components
from mrs_pipeline.basis.sequences import sequence_events
from mrs_pipeline.basis.simulation import prepared
from mrs_pipeline.basis.spin_systems import selected_spin_systems, spin_system
from mrs_pipeline.commands.contrast import with_primary_contrast
from mrs_pipeline.commands.import_bids import planned_sessions as imported_sessions
from mrs_pipeline.commands.layout import StudySession, bids_dir
from mrs_pipeline.commands.one_estimator import INDEPENDENT
from mrs_pipeline.commands.preprocess import entity_filters
from mrs_pipeline.commands.pulses import configured_pulses
from mrs_pipeline.commands.quantification import check_tissue_columns, concentration_names, tissue_columns
from mrs_pipeline.commands.session_windows import check_windows
from mrs_pipeline.commands.simulate import planned_files
from mrs_pipeline.commands.simulation_description import description_files, read_plan
from mrs_pipeline.errors import ConfigError, InputError, unknown_name
from mrs_pipeline.fitting.baseline import BASELINES
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.io.bids import SessionFiles, find_sessions, read_visits, source_files, visit_files
from mrs_pipeline.io.config import complete_config
from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, checked_steps
from mrs_pipeline.quantification.measures import DEFAULT_MEASURES, check_metabolites, measure_definitions
from mrs_pipeline.quantification.options import check_section
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.controls import OWN_CONTROLS
from mrs_pipeline.statistics.options import options_from
from mrs_pipeline.timecourse.design import check_responses

#: Where data that cannot be published lie on many machines: beside the checkout.
DEFAULT_SOURCE = "../shared/data"


def study_config(config: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """The complete configuration; `ConfigError` for any key or name that some stage would refuse later."""
    complete = complete_config(config, source=source)
    _check_origin(complete)
    _check_basis(complete["basis"])
    check_windows(complete["windows"])
    check_responses(complete["timecourse"])
    checked_steps(complete["preprocessing"]["steps"] or DEFAULT_STEPS)
    _check_fitting(complete["fitting"])
    check_section(complete["quantification"])
    _check_measures(complete)
    return complete


def _check_origin(config: Mapping[str, Any]) -> None:
    """Exactly one of a dataset, a simulation and an import gives the data."""
    given = [key for key in ("simulation", "import") if config[key]] + (["study.bids_dir"] if config["study"]["bids_dir"] else [])
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ConfigError(f"data come from exactly one of study.bids_dir, simulation and import, but the configuration has {found}")


def _check_fitting(section: Mapping[str, Any]) -> None:
    FitOptions.from_mapping(section)
    if section["baseline"] not in BASELINES:
        raise unknown_name("baseline model in fitting.baseline", section["baseline"], BASELINES)


def _check_basis(section: Mapping[str, Any]) -> None:
    _check_macromolecules(section["macromolecules"])
    if section["file"]:
        return
    timing = {key: section[key] for key in ("echo_time_s", "echo_time_1_s", "mixing_time_s", "refocusing_times_s")}
    prepared(sequence_events(section["sequence"], timing=timing), selection=configured_pulses(section["pulses"]))
    selected_spin_systems(section["metabolites"], variants=section["spin_systems"])


def _check_macromolecules(choice: list[str] | str | None) -> None:
    """Names of built-in components, or the path of a measured set."""
    if isinstance(choice, str):
        if not Path(choice).exists():
            raise ConfigError(f"basis.macromolecules names {choice}, which does not exist: give a basis set, or list built-in components")
        return
    for name in choice or ():
        if name not in macromolecule_components():
            raise unknown_name("macromolecule or lipid in basis.macromolecules", name, macromolecule_components())


def _check_measures(config: Mapping[str, Any]) -> None:
    definitions = measure_definitions({**DEFAULT_MEASURES, **config["measures"]})
    macromolecules = config["basis"]["macromolecules"]
    if not config["basis"]["file"] and not isinstance(macromolecules, str):
        names = [*(spin_system(name).name for name in config["basis"]["metabolites"]), *(macromolecules or ())]
        check_metabolites([item for item in definitions if item.name in config["measures"]], metabolites=names)
    statistics = config["statistics"]
    known = [*(item.name for item in definitions), *concentration_names(definitions, section=config["quantification"])]
    estimators = (INDEPENDENT, *config["timecourse"]["estimators"])
    if statistics["estimator"] not in estimators:
        raise ConfigError(
            f"statistics.estimator is '{statistics['estimator']}', which timecourse.estimators does not list: use one of "
            f"{', '.join(estimators)}"
        )
    for name in (*statistics["measures"], statistics["primary"]["measure"]):
        if name not in known:
            raise unknown_name("measure in the statistics section", name, known)
    for name in statistics["controls"]:
        if name not in (*known, *OWN_CONTROLS):
            raise unknown_name("control in statistics.controls", name, (*known, *OWN_CONTROLS))
    if statistics["conditions"]:
        options_from(with_primary_contrast(statistics, has_baseline=True), analyses=ANALYSES)


def source_dir(config: Mapping[str, Any]) -> Path:
    """Folder of the files to import: that of the configuration, else MRS_EXTERNAL_DATA, else ``../shared/data`` where it exists."""
    named = config["import"]["source_dir"] or os.environ.get("MRS_EXTERNAL_DATA")
    folder = Path(named or DEFAULT_SOURCE)
    if folder.is_dir():
        return folder
    problem = f", {named}, does not exist" if named else f" is not given, and there is no {DEFAULT_SOURCE}"
    raise ConfigError(f"the folder of the files to import{problem}: name it in import.source_dir or in the variable MRS_EXTERNAL_DATA")


def study_sessions(config: Mapping[str, Any]) -> dict[str, StudySession]:
    """All sessions of the study by label, known before any data are made."""
    if config["simulation"]:
        sessions = _simulated(config)
    elif config["import"]:
        sessions = [StudySession(participant=who, session=visit) for who, visit in imported_sessions(Path(config["import"]["table"]))]
    else:
        root = bids_dir(config)
        sessions = [_from_files(files, root=root) for files in find_sessions(root, filters=entity_filters(config["selection"]))]
        _check_conditions(config["statistics"]["conditions"], root=root)
        _check_visits(sessions, config=config)
    wanted = config["selection"]["participants"]
    if wanted:
        _check_wanted(wanted, [item.participant for item in sessions])
    return {item.label: item for item in sessions if not wanted or item.participant in wanted}


def _check_wanted(wanted: list[str], known: list[str]) -> None:
    for name in wanted:
        if name not in known:
            raise unknown_name("participant in selection.participants", name, set(known))


def _check_conditions(wanted: list[str] | None, *, root: Path) -> None:
    visits = read_visits(root)
    known = set(visits["condition"].dropna()) if "condition" in visits else set()
    if wanted and not known:
        raise ConfigError(f"statistics.conditions are given, but neither sessions files nor participants.tsv of {root} state a condition")
    for name in wanted or ():
        if name not in known:
            raise unknown_name(f"condition in statistics.conditions (by the sessions files of {root})", name, known)


def _check_visits(sessions: list[StudySession], *, config: Mapping[str, Any]) -> None:
    """Every session with data has a row in the tables of the dataset and, where conditions are contrasted, states its condition once."""
    root, statistics, wanted = bids_dir(config), config["statistics"], config["selection"]["participants"]
    visits = read_visits(root)
    _check_covariates(visits, covariates=statistics["covariates"], root=root)
    check_tissue_columns(config["quantification"], visits=visits)
    if not statistics["conditions"]:
        return
    conditions = {(row["participant"], row["session"]): row.get("condition") for row in visits.to_dict(orient="records")}
    seen: dict[tuple[str, object], str] = {}
    for item in (item for item in sessions if not wanted or item.participant in wanted):
        condition = conditions.get((item.participant, item.session))
        if not isinstance(condition, str):
            raise InputError(
                f"{item.label} has data but no condition in sub-{item.participant}_sessions.tsv of {root}: "
                "state it there, or leave the participant out by selection.participants"
            )
        twin = seen.setdefault((item.participant, condition), item.label)
        if twin != item.label and condition in statistics["conditions"]:
            raise InputError(f"{twin} and {item.label} both state the condition '{condition}': correct the sessions file")


def _check_covariates(visits: pd.DataFrame, *, covariates: list[str], root: Path) -> None:
    for name in covariates:
        if name not in visits.columns:
            raise ConfigError(f"statistics.covariates names '{name}', which neither participants.tsv nor the sessions files of {root} have")
        if not pd.api.types.is_numeric_dtype(visits[name]):
            raise ConfigError(f"statistics.covariates names '{name}', which holds text: add a column of numbers, such as 0 and 1")


def _simulated(config: Mapping[str, Any]) -> list[StudySession]:
    section = config["simulation"]
    plan = read_plan(Path(section["description"]), seed=section["seed"])
    root = bids_dir(config)
    return [
        StudySession(participant=who, session=visit, inputs=tuple(root / path for path in paths))
        for (who, visit), paths in planned_files(plan).items()
    ]


def simulation_files(config: Mapping[str, Any]) -> list[Path]:
    """The description of the synthetic study and the files it extends."""
    return list(description_files(Path(config["simulation"]["description"])))


def _from_files(files: SessionFiles, *, root: Path) -> StudySession:
    return StudySession(participant=files.participant, session=files.session, inputs=source_files(files, bids_dir=root))


def design_files(config: Mapping[str, Any]) -> list[Path]:
    """What the conditions and covariates of the sessions are read from; it decides nothing before the group tables."""
    root = bids_dir(config)
    if config["simulation"]:
        return [root / "participants.tsv"]
    return [root] if config["import"] else list(visit_files(root))


def tissue_files(config: Mapping[str, Any], *, participant: str) -> list[Path]:
    """Tables that the tissue fractions of a participant's sessions are read from; none where they are numbers or not needed."""
    if not tissue_columns(config["quantification"]):
        return []
    own = f"sub-{participant}_sessions.tsv"
    return [path for path in design_files(config) if not path.name.endswith("_sessions.tsv") or path.name == own]
