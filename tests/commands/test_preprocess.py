"""What the record of preprocessing says of a session as a whole."""

import numpy as np

from mrs_pipeline.commands.layout import TimecourseNames
from mrs_pipeline.commands.timecourse import try_timecourse
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.io.tables import read_json, read_table

CAPPED = "preprocessing:\n  steps: [{step: coil_combination}, {step: alignment}, {step: rejection, max_fraction: 0.01}]\n"


def off_scale(bench):
    """The session 0.6 ppm off: farther than singlets are looked for."""

    def turned(values):
        sizes = values.shape
        time_axis = int(np.argmax(sizes))
        shape = [1] * values.ndim
        shape[time_axis] = sizes[time_axis]
        return values * np.exp(2j * np.pi * 0.6 * 127.7 * np.arange(sizes[time_axis]) / 2000).reshape(shape)

    bench.change(bench.svs, turned)


def test_session_without_naa_at_its_place_is_flagged_and_not_fitted(bench, run):
    off_scale(bench)
    assert run(*bench.preprocess()).code == 0
    record = read_json(bench.out / "preprocessing.json")
    assert record["status"] == "flagged"
    assert "NAA is not a positive peak at 2.01 +- 0.03 ppm" in record["reason"]
    assert (bench.out / "preprocessed.nii.gz").stat().st_size > 0
    names, out = TimecourseNames(), bench.folder / "timecourse"
    reason = try_timecourse(
        bench.out / "preprocessed.nii.gz",
        record=bench.out / "preprocessing.json",
        events=bench.events,
        config={"windows": {}},
        basis=bench.basis,
        out_dir=out,
        names=names,
    )
    assert reason == record["reason"]
    assert read_json(out / names.file("status.json"))["status"] == "failed"


def test_ordinary_session_is_not_flagged(bench, run):
    assert run(*bench.preprocess()).code == 0
    record = read_json(bench.out / "preprocessing.json")
    assert (record["status"], record["reason"]) == ("ok", "")
    assert record["remarks"] == []


def test_flag_of_a_session_reaches_who_runs_the_commands(bench, run):
    off_scale(bench)
    done = run(*bench.preprocess())
    reason = read_json(bench.out / "preprocessing.json")["reason"]
    assert (done.code, done.out) == (0, "")
    assert f"mrs-pipeline preprocess: warning: {reason}\n" in done.err
    bench.preprocessed, bench.out = bench.out / "preprocessed.nii.gz", bench.folder / "timecourse"
    fitted = run(*bench.timecourse())
    status = read_json(bench.out / "status.json")
    assert fitted.code == 0
    assert f"mrs-pipeline timecourse: warning: {reason}\n" in fitted.err
    assert (status["status"], status["reason"]) == ("flagged", reason)


def test_session_of_noise_is_told_to_have_no_signal(bench, run):
    rng = np.random.default_rng(5)
    bench.change(bench.svs, lambda values: rng.standard_normal(values.shape) + 1j * rng.standard_normal(values.shape))
    done = run(*bench.preprocess())
    assert done.code == 0
    assert "have too little signal to be aligned" in done.err
    bench.preprocessed = bench.out / "preprocessed.nii.gz"
    fitted = run(*bench.timecourse())
    assert fitted.code == 2
    assert "all 64 are rejected, most for 'no signal'" in fitted.err
    assert "windows section" not in fitted.err


def test_cap_of_rejection_is_told_and_kept_in_the_status(bench, run):
    """Nothing may go for its scores here, and a transient of half the size would have."""

    def half(values):
        values = np.array(values)
        values[..., 5] *= 0.3
        return values

    bench.change(bench.svs, half)
    study = bench.folder / "capped.yaml"
    study.write_text(bench.study.read_text(encoding="utf-8") + CAPPED, encoding="utf-8")
    done = run(*bench.preprocess(), "--config", study)
    remark = "more exceeded a limit, only the worst were rejected"
    assert done.code == 0
    assert remark in done.err
    bench.preprocessed, bench.out = bench.out / "preprocessed.nii.gz", bench.folder / "timecourse"
    assert remark in run(*bench.timecourse()).err
    status = read_json(bench.out / "status.json")
    assert status["status"] == "ok"
    assert remark in status["preprocessing_remarks"][0]


def test_transient_without_numbers_is_rejected_and_the_rest_is_fitted(bench, run):
    def lost(values):
        values = np.array(values)
        values[..., 5] = np.nan
        return values

    bench.change(bench.svs, lost)
    assert run(*bench.preprocess()).code == 0
    table = read_table(bench.out / "transients.tsv")
    assert table.loc[table["rejected"], "reason"].to_dict()[5] == "not finite or zero"
    data = read_fids(bench.out / "preprocessed.nii.gz").data
    assert np.all(data[5] == 0)
    assert np.all(np.any(data[np.arange(len(data)) != 5] != 0, axis=-1))
    bench.preprocessed, bench.out = bench.out / "preprocessed.nii.gz", bench.folder / "timecourse"
    assert run(*bench.timecourse()).code == 0
    assert read_json(bench.out / "status.json")["status"] == "ok"
    assert set(read_table(bench.out / "fitquality.tsv")["status"]) == {"ok"}
