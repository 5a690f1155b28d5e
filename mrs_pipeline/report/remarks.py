"""What a reader must know before believing a page: statements that follow from the tables."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from mrs_pipeline.report import changes, linewidth, ratio_remarks
from mrs_pipeline.report.contents import GroupReport, SessionReport, records
from mrs_pipeline.report.wording import NOTHING_TO_CONTRAST, is_failed, is_ok


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A statement and how it weighs: 'warning' (bears on the conclusion) or 'note'."""

    text: str
    weight: str = "warning"


def group_remarks(report: GroupReport) -> list[Remark]:
    """Statements on a study: what cannot be contrasted, what is confounded, what is missing, what failed."""
    found = [
        _nothing_to_contrast(report),
        _incomplete_participants(report),
        separate_runs(report.transients, starts=report.sessions),
        _references(report),
        _failed_sessions(report),
        failed_fits(report.fitquality),
        fit_warnings(report.fitquality),
        _failed_contrasts(report),
        *(Remark(text=text, weight="warning" if primary else "note") for text, primary in linewidth.linewidth_warnings(report)),
        *(Remark(text=text, weight="warning" if weighty else "note") for text, weighty in ratio_remarks.of_study(report)),
        *basis_remarks(report.basis_remarks, n_sessions=len(report.sessions)),
    ]
    return _weighty_first(found)


def session_remarks(report: SessionReport) -> list[Remark]:
    """Statements on one session."""
    starts = pd.DataFrame([{"participant": report.participant, "session": report.session, "infusion_start_s": report.infusion_start_s}])
    about_basis = basis_remarks(report.basis_remarks, n_sessions=1)
    about_fits = [Remark(text=f"{text[:1].upper()}{text[1:]}.") for text in report.fit_remarks]
    found = [separate_runs(report.transients, starts=starts), failed_fits(report.fitquality), *about_fits, *about_basis]
    found += [Remark(text=text, weight="note") for text in ratio_remarks.of_session(report)]
    if report.has_reference is False:
        found.insert(0, Remark(text=_NO_REFERENCE.format(who="This session has no"), weight="note"))
    if not is_ok(report.status):
        found.insert(
            0, Remark(text=f"The session has the status '{report.status}'" + (f": {report.reason}" if report.reason else "") + ".")
        )
    return _weighty_first(found)


def _weighty_first(found: Iterable[Remark | None]) -> list[Remark]:
    """Those that were found, cautions before notes."""
    return sorted((remark for remark in found if remark is not None), key=lambda remark: remark.weight != "warning")


_NO_REFERENCE = (
    "{who} water reference: no amplitude is scaled to water and eddy currents are not corrected from one; "
    "only ratios within a spectrum can be compared."
)


def session_table(report: GroupReport) -> pd.DataFrame:
    """Every session any table knows, with its condition: participant, session, condition."""
    keys = [*changes.SESSION, "condition"]
    rows = pd.concat([report.measures[keys], report.sessions[keys]]).drop_duplicates()
    named = rows.sort_values("condition", ascending=False, kind="stable").drop_duplicates(subset=changes.SESSION)
    return named.sort_values(changes.SESSION, kind="stable").reset_index(drop=True)


def _nothing_to_contrast(report: GroupReport) -> Remark | None:
    sessions = session_table(report)
    conditions = sorted(set(sessions["condition"]) - {""})
    if len(sessions) <= 1:
        return Remark(text=f"There is nothing to contrast: the study has {'one session' if len(sessions) else 'no session'}.")
    if len(conditions) <= 1:
        which = f"one condition, {conditions[0]}" if conditions else "no named condition"
        return Remark(text=f"There is nothing to contrast between conditions: the sessions have {which}.")
    return None


def _incomplete_participants(report: GroupReport) -> Remark | None:
    sessions = session_table(report)
    conditions = set(sessions["condition"]) - {""}
    if len(conditions) < 2:
        return None
    counts = sessions[sessions["condition"] != ""].groupby("participant")["condition"].nunique()
    alone = sorted(counts.index[counts < len(conditions)])
    if not alone:
        return None
    text = f"{len(alone)} of {len(counts)} participants do not have a session in every condition: {', '.join(alone)}."
    return Remark(text=text, weight="note")


def separate_runs(transients: pd.DataFrame, *, starts: pd.DataFrame) -> Remark | None:
    """Whether baseline and infusion lie in different runs, so that any step between runs looks like a response.

    ``starts`` has participant, session and infusion_start_s on the clock of ``transients``; 0 s where it is unknown.
    """
    starts = starts[[*changes.SESSION, "infusion_start_s"]].drop_duplicates(subset=changes.SESSION)
    rows = transients.dropna(subset=["time_s", "run"]).drop(columns="infusion_start_s", errors="ignore")
    rows = rows.merge(starts, on=changes.SESSION, how="left")
    rows = rows.assign(before=rows["time_s"] < pd.to_numeric(rows["infusion_start_s"]).fillna(0.0))
    broken = total = 0
    for _, group in rows.groupby(changes.SESSION, sort=True):
        before, after = set(group.loc[group["before"], "run"]), set(group.loc[~group["before"], "run"])
        total += bool(before and after)
        broken += bool(before and after and not before & after)
    if not broken:
        return None
    where = "this session" if total == 1 else f"{broken} of {total} sessions"
    return Remark(
        text=f"In {where} baseline and infusion are different runs: whatever changed between the runs (shim, receiver gain, "
        "frequency, position) is confounded with the change from baseline to infusion."
    )


def _references(report: GroupReport) -> Remark | None:
    known = [flag for flag in report.sessions["has_reference"] if flag is not None]
    without = known.count(False)
    if not without:
        return None
    who = "No session has a" if without == len(known) else f"{without} of {len(known)} sessions have no"
    return Remark(text=_NO_REFERENCE.format(who=who), weight="note")


def _failed_sessions(report: GroupReport) -> Remark | None:
    rows = report.sessions
    bad = rows[~pd.Series([is_ok(status) for status in rows["status"]], index=rows.index, dtype=bool)]
    if bad.empty:
        return None
    parts = [_session_name(row) + (f" ({row['reason']})" if row["reason"] else f" ({row['status']})") for row in records(bad)]
    return Remark(text=f"{len(bad)} of {len(rows)} sessions are not ok: {'; '.join(parts)}.")


def _session_name(row: dict[str, object]) -> str:
    return f"participant {row['participant']} session {row['session']}"


def failed_fits(fitquality: pd.DataFrame) -> Remark | None:
    """How many windows have no usable fit, by status."""
    failed = [status for status in fitquality["status"] if is_failed(status)]
    if not failed:
        return None
    kinds = ", ".join(f"{n} {status}" for status, n in sorted(Counter(failed).items()))
    return Remark(text=f"{len(failed)} of {len(fitquality)} windows have no usable fit ({kinds}); they count as missing, not as zero.")


def fit_warnings(fitquality: pd.DataFrame) -> Remark | None:
    """How many fits of a study have a warning; the pages of the sessions say which."""
    n_warned = int((fitquality["warnings"] != "").sum())
    if not n_warned:
        return None
    text = f"{n_warned} of {len(fitquality)} fits have a warning, such as a residual that is not noise: see the pages of the sessions."
    return Remark(text=text, weight="note")


def basis_remarks(texts: Iterable[str], *, n_sessions: int) -> list[Remark]:
    """Where the basis set is not quite of the data: each statement once, with the number of sessions it holds for if not all."""
    found = []
    for text, count in Counter(texts).items():
        statement = text[:1].upper() + text[1:] if count == n_sessions else f"In {count} of {n_sessions} sessions {text}"
        found.append(Remark(text=f"{statement}."))
    return found


def _failed_contrasts(report: GroupReport) -> Remark | None:
    n_failed = sum(is_failed(status) and status != NOTHING_TO_CONTRAST for status in report.contrasts["status"])
    return Remark(text=f"{n_failed} of {len(report.contrasts)} contrasts could not be estimated; the table says why.") if n_failed else None
