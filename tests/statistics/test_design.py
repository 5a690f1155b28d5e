"""What is refused, what becomes a status and what is dropped with a count."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError, checked_measures, measure_data
from mrs_pipeline.statistics.options import Options

OPTIONS = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=("session_aware",))
Study = Callable[..., pd.DataFrame]


def data_of(table: pd.DataFrame, options: Options = OPTIONS) -> MeasureData:
    return measure_data(checked_measures(table, options=options), measure="Glx/tNAA", options=options)


def where(table: pd.DataFrame, **values: object) -> pd.Series:
    return pd.Series(np.logical_and.reduce([table[column] == value for column, value in values.items()]), index=table.index)


def test_phase_and_scale(study: Study) -> None:
    table = study(n_baseline_windows=2)
    data = data_of(table)
    assert list(data.windows["phase"]) == ["baseline"] * 2 + ["infusion"] * 4
    assert list(data.windows["start_s"]) == [-600, -300, 0, 300, 600, 900]
    assert data.unit == "%"
    np.testing.assert_allclose(np.sort(data.rows["y"]), np.sort(100 * np.log(table["value"])))
    np.testing.assert_allclose(data.rows["known_variance"], 25.0)


def test_raw_scale_keeps_values(study: Study) -> None:
    table = study()
    table.loc[3, "value"] = -0.1
    data = data_of(table, replace(OPTIONS, scale={"Glx/tNAA": "raw"}))
    assert data.unit == "measure unit"
    np.testing.assert_allclose(np.sort(data.rows["y"]), np.sort(table["value"]))


def test_missing_values_are_dropped_and_counted(study: Study) -> None:
    table = study()
    table.loc[[2, 7, 11], "value"] = np.nan
    data = data_of(table)
    assert len(data.rows) == 77
    assert data.notes == ("3 of 80 windows without value dropped as missing at random",)


def test_missing_covariates_are_dropped_and_counted(study: Study) -> None:
    table = study().assign(fwhm_hz=6.0)
    table.loc[[2, 7], "fwhm_hz"] = np.nan
    data = data_of(table, replace(OPTIONS, covariates=("fwhm_hz",)))
    assert data.notes == ("2 of 80 windows without fwhm_hz dropped as missing at random",)


@pytest.mark.parametrize("how", ["absent", "empty"])
def test_without_periods_the_note_says_so(study: Study, how: str) -> None:
    table = study()
    data = data_of(table.drop(columns=["period", "sequence"]) if how == "absent" else table.assign(period=np.nan))
    assert not data.has_period
    assert "not adjusted for it" in data.notes[0]


def test_window_of_one_condition_only_is_left_out(study: Study) -> None:
    table = study()
    table = table[~where(table, condition="placebo", window=4)]
    data = data_of(table)
    assert list(data.windows["window"]) == [0, 1, 2, 3]
    assert data.notes == ("window 4 left out because it was not seen under every condition",)


def test_other_conditions_are_left_out(study: Study) -> None:
    table = study()
    extra = table[table["session"] == "1"].assign(session="3", condition="open label", period=3)
    assert len(data_of(pd.concat([table, extra])).rows) == len(table)


@pytest.mark.parametrize(
    ("status", "message", "change"),
    [
        ("no_data", "no value of Glx/tNAA", lambda t: t.assign(value=np.nan)),
        ("no_data", "no value of Glx/tNAA", lambda t: t.assign(measure="GABA/tNAA")),
        ("one_condition", "under 'placebo' only", lambda t: t[t["condition"] == "placebo"]),
        ("too_few_participants", "3 participants have Glx/tNAA under both", lambda t: t[t["participant"] <= "03"]),
        ("no_infusion_windows", "no window after the start", lambda t: t[t["window"] == 0]),
        (
            "invalid_values",
            "not positive in 1 windows, the first in participant 01, session 1, window 3",
            lambda t: t.assign(value=_zero(t)),
        ),
    ],
)
def test_statuses(study: Study, status: str, message: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    with pytest.raises(UnanswerableError, match=message) as caught:
        data_of(change(study()))
    assert caught.value.status == status


def _zero(table: pd.DataFrame) -> pd.Series:
    return table["value"].where(table.index != 3, 0.0)


def _with(column: str, value: object, **rows: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.assign(**{column: table[column].astype(object).where(~where(table, **rows), value).infer_objects()})


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("no column 'window_start_s'", lambda t: t.drop(columns="window_start_s")),
        ("'value' of the table of measures holds text", lambda t: t.assign(value="n/a")),
        ("'session' of the table of measures has missing", lambda t: t.assign(session=None)),
        ("condition 'naltrexone' is not in the table", _with("condition", "naltrexon", condition="naltrexone")),
        ("Glx/tNAA of participant 01, session 1, window 0 more than once", lambda t: pd.concat([t, t.iloc[:1]])),
        ("session 1 of participant 02 is listed under two", _with("condition", "placebo", participant="02", session="1", window=2)),
        ("participant 03 has two sessions under 'placebo'", _with("condition", "placebo", participant="03")),
        ("participant 04 is listed in two sequences", _with("sequence", "??", participant="04", session="2")),
        ("session 2 of participant 05 has no period", _with("period", np.nan, participant="05", session="2")),
        ("session 2 of participant 05 has two periods", _with("period", 1, participant="05", session="2", window=2)),
        ("participant 05 shares its period", _with("period", 1, participant="05", session="2")),
        ("window 1 of participant 06, session 1 stops before", _with("window_stop_s", -1.0, participant="06", session="1", window=1)),
        ("window 2 of participant 06, session 1 overlaps", _with("window_start_s", 200.0, participant="06", session="1", window=2)),
    ],
)
def test_tables_that_are_no_crossover_are_refused(study: Study, message: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    with pytest.raises(DataError, match=message):
        checked_measures(change(study()), options=OPTIONS)


def test_window_names_that_mean_another_time_are_refused(study: Study) -> None:
    table = study()
    late = where(table, participant="07", session="2")
    table.loc[late, ["window_start_s", "window_stop_s"]] += 300
    with pytest.raises(DataError, match="of participant 07, session 2 starts at 0 s, far from"):
        checked_measures(table, options=OPTIONS)


def test_missing_covariate_column_is_refused(study: Study) -> None:
    with pytest.raises(DataError, match="covariate 'fwhm_hz' is not a column"):
        checked_measures(study(), options=replace(OPTIONS, covariates=("fwhm_hz",)))
