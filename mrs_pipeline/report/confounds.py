"""What could imitate an effect: linewidth, SNR, drift and rejection of each session, compared between conditions."""

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from mrs_pipeline.report import changes
from mrs_pipeline.report.contents import GroupReport

#: Column of `session_confounds` -> what it is called, with its unit.
CONFOUNDS: dict[str, str] = {
    "fwhm_change_hz": "linewidth change (Hz)",
    "snr_change_percent": "SNR change (%)",
    "drift_hz": "frequency drift (Hz)",
    "rejected_percent": "rejected transients (%)",
}


def quality_by_window(fitquality: pd.DataFrame, *, measures: pd.DataFrame) -> pd.DataFrame:
    """The fit quality table with condition, window_start_s, window_stop_s of each window (NaN where no measure knows it)."""
    times = changes.window_times(measures)
    known = [c for c in times.columns if c in fitquality.columns and c not in (*changes.SESSION, "window")]
    return fitquality.drop(columns=known).merge(times, on=[*changes.SESSION, "window"], how="left").fillna({"condition": "", "phase": ""})


def session_confounds(report: GroupReport) -> pd.DataFrame:
    """One row per session: participant, session, condition and the columns of ``CONFOUNDS`` (NaN where unknown).

    Changes are infusion minus baseline (linewidth) and relative to baseline (SNR), means over windows; drift is the median
    frequency shift of the last tenth of the transients minus that of the first tenth; rejection counts all transients.
    """
    keys = [*changes.SESSION, "condition"]
    rows = pd.concat([report.sessions[keys], report.measures[keys]]).drop_duplicates(subset=changes.SESSION).reset_index(drop=True)
    parts = (_quality_changes(report), _drifts(report.transients), session_counts(report)[[*changes.SESSION, "rejected_percent"]])
    for part in parts:
        rows = rows.merge(part, on=changes.SESSION, how="left")
    return rows.sort_values(changes.SESSION, kind="stable").reset_index(drop=True)


def _quality_changes(report: GroupReport) -> pd.DataFrame:
    quality = quality_by_window(report.fitquality, measures=report.measures)
    phase = changes.is_reference(quality).map({True: "baseline", False: "infusion"}).where(quality["window_stop_s"].notna())
    means = quality.assign(phase=phase).dropna(subset=["phase"]).groupby([*changes.SESSION, "phase"])[["fwhm_hz", "snr"]].mean()
    means = means.reset_index()
    before, after = (means[means["phase"] == name].drop(columns="phase") for name in ("baseline", "infusion"))
    wide = before.merge(after, on=changes.SESSION, suffixes=("_before", "_after"))
    wide["fwhm_change_hz"] = wide["fwhm_hz_after"] - wide["fwhm_hz_before"]
    wide["snr_change_percent"] = 100.0 * (wide["snr_after"] / wide["snr_before"] - 1.0)
    return wide[[*changes.SESSION, "fwhm_change_hz", "snr_change_percent"]]


def _drifts(transients: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (participant, session), group in transients.dropna(subset=["frequency_shift_hz"]).groupby(changes.SESSION, sort=True):
        shifts = group.sort_values("transient", kind="stable")["frequency_shift_hz"]
        tenth = max(1, len(shifts) // 10)
        rows.append((participant, session, float(shifts.iloc[-tenth:].median() - shifts.iloc[:tenth].median())))
    return pd.DataFrame(rows, columns=[*changes.SESSION, "drift_hz"]).astype({"participant": object, "session": object})


def session_counts(report: GroupReport) -> pd.DataFrame:
    """Transients, rejected ones and their percentage per session: from the sessions table, else counted in the transients."""
    counted = report.transients.assign(out=changes.rejected(report.transients))
    counts = counted.groupby(changes.SESSION, as_index=False).agg(counted=("transient", "size"), counted_out=("out", "sum"))
    named = report.sessions[[*changes.SESSION, "n_transients", "n_rejected"]]
    rows = named.merge(counts, on=changes.SESSION, how="outer")
    rows["n_transients"] = rows["n_transients"].fillna(rows["counted"])
    rows["n_rejected"] = rows["n_rejected"].fillna(rows["counted_out"])
    rows["rejected_percent"] = 100.0 * rows["n_rejected"] / rows["n_transients"].where(rows["n_transients"] > 0)
    return rows.drop(columns=["counted", "counted_out"])


def confound_summary(rows: pd.DataFrame, *, conditions: Sequence[str] = ()) -> pd.DataFrame:
    """Mean and 95 % interval of each confound by condition, and of the paired differences between conditions in order.

    Columns confound, group, paired, n, mean, ci_low, ci_high. Participants' sessions in a condition are averaged first.
    """
    order = changes.condition_order(rows["condition"], conditions=conditions)
    summary = []
    for column, text in CONFOUNDS.items():
        people = rows.dropna(subset=[column]).groupby(["participant", "condition"])[column].mean().unstack().reindex(columns=order)
        if people.empty:
            continue
        summary += [(text, name, False, *changes.mean_interval(people[name])) for name in order]
        pairs = [(after, before) for before, after in pairwise(order)]
        summary += [(text, f"{a} minus {b}", True, *changes.mean_interval(people[a] - people[b])) for a, b in pairs]
    return pd.DataFrame(summary, columns=["confound", "group", "paired", "n", "mean", "ci_low", "ci_high"])
