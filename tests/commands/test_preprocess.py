"""What the record of preprocessing says of a session as a whole."""

import numpy as np

from mrs_pipeline.commands.layout import TimecourseNames
from mrs_pipeline.commands.timecourse import try_timecourse
from mrs_pipeline.io.tables import read_json


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
        config={},
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
