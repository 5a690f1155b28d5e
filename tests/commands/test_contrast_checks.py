"""The command contrast: exclusions, controls and sensitivity beside the contrasts, and how the report shows them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.commands.contrast import contrast_file
from mrs_pipeline.commands.study import study_config
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.io.config import complete_section, read_yaml
from mrs_pipeline.io.tables import read_table, write_table
from mrs_pipeline.report.contents import GroupReport
from mrs_pipeline.report.pages import group_page
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

TRUTH = CrossoverTruth(
    n_participants=8,
    n_baseline_windows=2,
    n_infusion_windows=3,
    participant_sd_percent=8.0,
    session_sd_percent=4.0,
    response_sd_percent=3.0,
    window_sd_percent=4.0,
)


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """Measures, quality, windows and sessions of a study in which one visit has a wide line."""
    measures = simulated_measures(TRUTH, rng=np.random.default_rng(1))
    keys = ["participant", "session", "window"]
    wide = (measures["participant"] == "03") & (measures["session"] == "2")
    rng = np.random.default_rng(2)
    contents = {
        "measures": measures,
        "fitquality": measures[keys].assign(
            status="ok", fwhm_hz=np.where(wide, 15.0, 6.0 + 0.1 * rng.normal(size=len(measures))), snr=80.0 + rng.normal(size=len(measures))
        ),
        "windows": measures[keys].assign(n_acquired=100, n_retained=95),
        "sessions": measures[["participant", "session", "condition"]].drop_duplicates().assign(status="ok"),
    }
    for name, content in contents.items():
        write_table(content, tmp_path / f"{name}.tsv")
    return {name: tmp_path / f"{name}.tsv" for name in contents}


def section(**changes: Any) -> dict[str, Any]:
    chosen = {"conditions": ["placebo", "naltrexone"], "measures": ["Glx/tNAA"], "analyses": ["session_aware", "paired_summary"]}
    return {"statistics": complete_section("statistics", {**chosen, **changes})}


def written(tables: dict[str, Path], out: Path, **changes: Any) -> dict[str, pd.DataFrame]:
    contrast_file(**tables, config=section(**changes), out_dir=out)
    return {name: read_table(out / f"{name}.tsv") for name in ("contrasts", "controls", "exclusions", "sensitivity")}


def test_without_criteria_every_variant_is_the_same(tables: dict[str, Path], tmp_path: Path) -> None:
    found = written(tables, tmp_path / "out")
    assert found["sensitivity"]["variant"].tolist() == ["as_declared", "without_exclusions", "complete_pairs"]
    assert found["sensitivity"]["estimate"].nunique() == 1
    assert found["sensitivity"]["estimate"].iloc[0] == found["contrasts"]["estimate"].iloc[0]
    assert set(found["exclusions"]["stage"]) == {"listed", "with_data", "fitted", "analysed", "complete"}
    status = found["controls"].set_index("control")["status"].to_dict()
    assert {name: status[name] for name in ("pseudo_onset", "split_half", "fwhm_hz", "snr", "tNAA")} == {
        **dict.fromkeys(("pseudo_onset", "split_half", "fwhm_hz", "snr"), "ok"),
        "tNAA": "no_data",
    }


def test_excluded_windows_leave_every_analysis_and_come_back_in_the_sensitivity(tables: dict[str, Path], tmp_path: Path) -> None:
    plain = written(tables, tmp_path / "plain")
    found = written(tables, tmp_path / "out", exclusions={"max_fwhm_hz": 12.0})
    paired = found["contrasts"].set_index("analysis").loc["paired_summary"]
    assert paired["n_participants"] == 7
    variants = found["sensitivity"].set_index("variant")
    assert variants.loc["as_declared", "n_sessions"] == 15
    assert variants.loc["without_exclusions", "estimate"] == plain["contrasts"]["estimate"].iloc[0]
    assert variants.loc["complete_pairs", "n_participants"] == 7
    assert variants.loc["complete_pairs", "estimate"] == pytest.approx(paired["estimate"])
    counts = found["exclusions"].set_index(["stage", "condition"])
    assert counts.loc[("excluded", "all"), ["n_sessions", "n_windows"]].tolist() == [1, 5]
    assert counts.loc[("analysed", "all"), "n_sessions"] == 15


def test_when_everything_is_excluded_the_rows_say_so(tables: dict[str, Path], tmp_path: Path) -> None:
    found = written(tables, tmp_path / "out", exclusions={"min_snr": 1000.0})
    assert found["contrasts"]["status"].tolist() == ["no_data", "no_data"]
    assert found["sensitivity"]["status"].tolist() == ["no_data", "ok", "no_data"]
    assert found["controls"].empty


def test_a_criterion_without_its_table_is_refused(tables: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'min_snr' needs snr, which comes from the table of fitquality"):
        contrast_file(tables["measures"], config=section(exclusions={"min_snr": 20.0}), out_dir=tmp_path / "out")


def test_measures_alone_suffice(tables: dict[str, Path], tmp_path: Path) -> None:
    found = written({"measures": tables["measures"]}, tmp_path / "out", controls=["pseudo_onset", "fwhm_hz"])
    assert found["controls"]["status"].tolist() == ["ok", "no_data"]
    assert found["exclusions"]["stage"].iloc[0] == "fitted"


def test_nothing_to_contrast_has_empty_tables_beside_it(tables: dict[str, Path], tmp_path: Path) -> None:
    found = written(tables, tmp_path / "out", conditions=None)
    assert found["controls"].empty
    assert found["sensitivity"].empty
    assert set(found["exclusions"]["condition"]) == {"all"}


def test_controls_are_checked_when_the_study_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    config = read_yaml(root / "config" / "phantom.yaml")
    with pytest.raises(ConfigError, match=r"unknown control in statistics.controls 'linewidth': use one of"):
        study_config({**config, "statistics": {**config["statistics"], "controls": ["linewidth"]}}, source="test")


def test_the_page_of_the_group_shows_them(tables: dict[str, Path], tmp_path: Path) -> None:
    found = written(tables, tmp_path / "out", exclusions={"max_fwhm_hz": 12.0}, analyses=["session_aware", "max_t"])
    page = group_page(
        GroupReport(
            title="Study", measures=read_table(tables["measures"]), primary={"analysis": "session_aware", "measure": "Glx/tNAA"}, **found
        )
    )
    for text in ("Negative controls", "No sign of a bias in the linewidth", "without exclusions", "max_fwhm_hz"):
        assert text in page
    main = page[page.index("Shown here") : page.index("Other contrasts")]
    assert "max_t" not in main
    assert "max_t" in page[page.index("Other contrasts") :]
