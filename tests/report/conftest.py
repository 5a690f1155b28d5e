"""A small study in tables, with numbers that can be worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.report.contents import ExampleFit, GroupReport, SessionReport

WINDOWS = ((-300.0, 0.0), (0.0, 300.0), (300.0, 600.0))
PRIMARY = {"analysis": "mixed_model", "measure": "Glx/tNAA", "contrast": "drug - placebo"}


def sessions_of(n_participants: int) -> list[tuple[str, str, str]]:
    pairs = [(f"{p:02d}", p) for p in range(1, n_participants + 1)]
    return [(name, str(s + 1), ("placebo", "drug")[(s + p) % 2]) for name, p in pairs for s in range(2)]


def make_measures(n_participants: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for participant, session, condition in sessions_of(n_participants):
        for window, (start, stop) in enumerate(WINDOWS):
            for measure, level in (("Glx/tNAA", 1.3), ("tCho/tCr", 0.25)):
                value = level * (1 + 0.02 * window * (condition == "placebo") + rng.normal(0, 0.01))
                rows.append((participant, session, condition, session, "AB", window, start, stop, measure, value, 0.02))
    columns = """
        participant session condition period sequence window window_start_s window_stop_s measure
        value sd
    """.split()  # noqa: SIM905 -- the header of the table on disk
    return pd.DataFrame(rows, columns=columns)


def make_fitquality(n_participants: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    keys = [(p, s, w) for p, s, _ in sessions_of(n_participants) for w in range(len(WINDOWS))]
    table = pd.DataFrame(keys, columns=["participant", "session", "window"])
    return table.assign(status="ok", reason="", snr=rng.normal(40, 2, len(keys)), fwhm_hz=rng.normal(6, 0.3, len(keys)), unheard_of="kept")


def make_transients(n_participants: int, *, one_run: bool) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    parts = []
    for participant, session, _ in sessions_of(n_participants):
        time_s = -300.0 + 15.0 * np.arange(60)
        rejected = np.arange(60) % 20 == 7
        run = np.zeros(60, int) if one_run else (time_s >= 0).astype(int)
        columns = {
            "transient": np.arange(60),
            "run": run,
            "time_s": time_s,
            "frequency_shift_hz": rng.normal(0, 1, 60),
            "phase_rad": rng.normal(0, 0.1, 60),
            "rejected": rejected,
            "reason": np.where(rejected, "residual", ""),
        }
        parts.append(pd.DataFrame({"participant": participant, "session": session, **columns}))
    return pd.concat(parts, ignore_index=True)


def make_sessions(n_participants: int) -> pd.DataFrame:
    table = pd.DataFrame(sessions_of(n_participants), columns=["participant", "session", "condition"])
    return table.assign(period=table["session"], status="ok", reason="", n_transients=60, n_rejected=3, has_reference=True)


def make_contrasts() -> pd.DataFrame:
    columns = """
        analysis measure contrast estimate unit se df ci_low ci_high
        p p_adjusted n_participants n_sessions n_windows status reason
    """.split()  # noqa: SIM905 -- the header of the table on disk
    rows = [
        ("session_means", "Glx/tNAA", "drug - placebo", -2.5, "%", 1.1, 23.0, -4.7756, -0.2244, 0.0326, np.nan, 24, 48, 144, "ok", ""),
        (
            "mixed_model",
            "Glx/tNAA",
            "drug - placebo",
            -2.1347,
            "%",
            0.9512,
            24.31,
            -4.0966,
            -0.1728,
            0.03419,
            np.nan,
            26,
            52,
            156,
            "ok",
            "",
        ),
        ("mixed_model", "tCho/tCr", "drug - placebo", 0.31, "%", 0.8, 24.1, -1.34, 1.96, 0.7, 0.7, 26, 52, 156, "ok", ""),
        (
            "permutation",
            "tCho/tCr",
            "drug - placebo",
            np.nan,
            "%",
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            2,
            4,
            12,
            "failed",
            "too few pairs",
        ),
    ]
    return pd.DataFrame(rows, columns=columns)


def make_curves(n_points: int = 2048) -> pd.DataFrame:
    ppm = np.linspace(9.0, 0.0, n_points)
    peaks = {"tNAA": (2.01, 10.0), "tCr": (3.03, 7.0), "Glx": (3.75, 3.0)}
    parts = {name: height * 0.03**2 / ((ppm - centre) ** 2 + 0.03**2) for name, (centre, height) in peaks.items()}
    noise = np.random.default_rng(6).normal(0, 0.1, n_points)
    fit = np.sum(list(parts.values()), axis=0) + 0.5
    return pd.DataFrame({"ppm": ppm, "data": fit + noise, "fit": fit, "baseline": 0.5, "residual": noise, **parts})


@pytest.fixture
def measures() -> pd.DataFrame:
    return make_measures(6)


@pytest.fixture
def contrasts() -> pd.DataFrame:
    return make_contrasts()


@pytest.fixture
def curves() -> pd.DataFrame:
    return make_curves()


@pytest.fixture
def transients() -> pd.DataFrame:
    whole = make_transients(1, one_run=False)
    return whole[whole["session"] == "1"]


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return {
        "measures": make_measures(6),
        "contrasts": make_contrasts(),
        "fitquality": make_fitquality(6),
        "transients": make_transients(6, one_run=True),
        "sessions": make_sessions(6),
    }


@pytest.fixture
def study(tables: dict[str, pd.DataFrame], curves: pd.DataFrame) -> GroupReport:
    return GroupReport(
        title="A study",
        **tables,
        primary=PRIMARY,
        conditions=("placebo", "drug"),
        examples=(ExampleFit(title="participant 01", curves=curves),),
        settings={"windows": {"length_s": 300, "names": ["a", "b"]}, "steps": [{"step": "alignment"}]},
        provenance={"versions": {"numpy": "2.0"}, "seed": 7},
    )


@pytest.fixture
def one_session(tables: dict[str, pd.DataFrame], curves: pd.DataFrame) -> SessionReport:
    def of_first(name: str) -> pd.DataFrame:
        table = tables[name]
        return table[(table["participant"] == "01") & (table["session"] == "1")].drop(columns=["participant", "session"])

    return SessionReport(
        title="Participant 01",
        participant="01",
        session="1",
        condition="drug",
        status="ok",
        has_reference=False,
        measures=of_first("measures"),
        fitquality=of_first("fitquality"),
        transients=of_first("transients"),
        history=pd.DataFrame([{"step": "alignment", "method": "Frequency and phase correction", "details": "a & b"}]),
        fits=(ExampleFit(title="Window 0", curves=curves),),
    )
