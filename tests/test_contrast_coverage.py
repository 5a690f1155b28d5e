"""Whole studies drawn from known truth, fitted and contrasted: the reduced form of benchmarks/contrast_coverage.py."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import scipy.stats

from mrs_pipeline.commands.simulation_description import read_description

N_STUDIES = 20


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "contrast_coverage.py"
    spec = importlib.util.spec_from_file_location("contrast_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["contrast_coverage"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results(benchmark: ModuleType) -> pd.DataFrame:
    description = read_description(benchmark.DESCRIPTION)
    small = replace(description, design=replace(description.design, n_participants=6))
    return pd.concat(benchmark.study_results(small, n_studies=N_STUDIES, first_seed=1000), ignore_index=True)


@pytest.mark.slow
def test_interval_covers_the_true_difference_as_often_as_it_says(results: pd.DataFrame) -> None:
    primary = results[results["analysis"] == "session_aware"]
    assert len(primary) == N_STUDIES
    covered = (primary["ci_low"] <= primary["truth"]) & (primary["truth"] <= primary["ci_high"])
    low, high = scipy.stats.binom.interval(0.998, N_STUDIES, 0.95)
    assert low <= covered.sum() <= high


@pytest.mark.slow
def test_contrast_is_right_on_average_and_its_standard_error_fits_the_scatter(results: pd.DataFrame) -> None:
    primary = results[results["analysis"] == "session_aware"]
    error = primary["estimate"] - primary["truth"]
    assert abs(error.mean()) < 3.3 * error.std(ddof=1) / N_STUDIES**0.5
    ratio = error.var(ddof=1) / (primary["se"] ** 2).mean()
    low, high = scipy.stats.chi2.interval(0.998, N_STUDIES - 1)
    assert low / (N_STUDIES - 1) < ratio < high / (N_STUDIES - 1)
