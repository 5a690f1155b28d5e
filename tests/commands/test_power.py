"""The command power: from stated variances and from a study, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.cli import main
from mrs_pipeline.io.tables import read_table, write_table
from mrs_pipeline.statistics.power import exact_power
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

STATED = ["power", "--window-sd", "3", "--windows", "1", "4", "--response-sd", "2", "--analysis", "paired_summary", "--studies", "30"]


def test_stated_variances(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*STATED, "--effect", "4", "--participants", "10", "16", "--out", str(tmp_path / "out")]) == 0
    table = read_table(tmp_path / "out/power.tsv")
    assert table["question"].tolist() == ["given", "given", "required"]
    assert table["n_participants"].tolist()[:2] == [10, 16]
    sd = np.sqrt(2 * (4 + 9 * (1 + 1 / 4)))
    assert table["difference_sd_percent"].iloc[0] == pytest.approx(sd)
    assert table["power_exact"].iloc[0] == pytest.approx(exact_power(4.0, sd=sd, n_participants=10))
    printed = capsys.readouterr().out
    assert "1 before, 4 during the infusion; SD of a window 3 %" in printed
    assert "required" in printed


def test_variances_of_a_study(tmp_path: Path) -> None:
    truth = CrossoverTruth(
        n_participants=20,
        n_baseline_windows=1,
        n_infusion_windows=3,
        participant_sd_percent=10.0,
        session_sd_percent=4.0,
        response_sd_percent=2.0,
        window_sd_percent=3.0,
    )
    write_table(simulated_measures(truth, rng=np.random.default_rng(1)), tmp_path / "measures.tsv")
    (tmp_path / "study.yaml").write_text("statistics: {conditions: [placebo, naltrexone]}\n", encoding="utf-8")
    files = ["--measures", str(tmp_path / "measures.tsv"), "--config", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out")]
    assert main(["power", *files, "--effect", "3", "--participants", "8", "--analysis", "paired_summary", "--studies", "25"]) == 0
    table = read_table(tmp_path / "out/power.tsv").set_index("question")
    assert list(table.index) == ["given", "required", "required_if_noisier"]
    assert table.loc["required_if_noisier", "n_participants"] > table.loc["required", "n_participants"]
    limit = np.sqrt(18 / 12.857)  # chi-squared of 18 degrees of freedom, 20 %, from a printed table
    assert table.loc["required_if_noisier", "difference_sd_percent"] / table.loc["required", "difference_sd_percent"] == pytest.approx(
        limit, rel=1e-4
    )
    assert table.loc["given", "difference_sd_percent"] == pytest.approx(np.sqrt(2 * (4 + 9 * (1 + 1 / 3))), rel=0.4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["power", "--effect", "3"], "exactly one of --measures and --window-sd"),
        (["power", "--effect", "3", "--measures", "measures.tsv"], "give its configuration, with statistics.conditions"),
        ([*STATED, "--effect", "0.1"], "needs more than 2000 participants"),
        ([*STATED, "--effect", "3", "--analysis", "max_t"], "max_t has no main contrast"),
        ([*STATED, "--effect", "3", "--analysis", "anova"], "unknown analysis 'anova'"),
    ],
)
def test_what_is_refused(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--effect", "0"], ["--effect", "3", "--participants", "3"], ["--effect", "3", "--power", "80"]])
def test_numbers_that_make_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["power", "--window-sd", "5", *arguments])
    assert caught.value.code == 2
    assert "error: argument" in capsys.readouterr().err
