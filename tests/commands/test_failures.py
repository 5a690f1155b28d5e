"""What stays after a failure, what a defect looks like, and the help."""

import nibabel
import numpy as np
import pytest

import mrs_pipeline.commands.fit

BASIS_OPTIONS = ["--sequence", "press", "--echo-time", 0.03, "--frequency", 127.7, "--spectral-width", 2000, "--n-points", 256]


def test_basis_of_another_field_is_refused(bench, run):
    """A basis of 7 T does not fit data of 3 T."""
    options = [297.2 if option == 127.7 else option for option in BASIS_OPTIONS]
    assert run("basis", *options, "--metabolites", "Cr", "NAA", "Glu", "--out", bench.basis).code == 0
    code, _, err = run(*bench.fit())
    assert code == 2
    assert err.count("\n") == 1
    assert "MHz" in err
    assert not bench.out.exists()


def test_failure_leaves_earlier_results_as_they_are(bench, run):
    bench.out.mkdir()
    (bench.out / "measures.tsv").write_text("earlier", encoding="utf-8")
    bench.change(bench.preprocessed, np.conj)
    assert run(*bench.fit()).code == 2
    assert [path.name for path in bench.out.iterdir()] == ["measures.tsv"]
    assert (bench.out / "measures.tsv").read_text(encoding="utf-8") == "earlier"


def test_defect_shows_its_traceback(bench, run, monkeypatch):
    """Code 1 is Python's own answer to an exception that is none of ours."""

    def broken(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr(mrs_pipeline.commands.fit, "fit_file", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        run(*bench.fit())


def test_help_names_every_command(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(name in out for name in ("simulate", "import", "basis", "preprocess", "fit", "timecourse", "contrast"))


def refused(bench, run, arguments):
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not bench.out.exists()
    return err


def test_coils_apart_are_not_fitted(bench, run):
    assert "svs.nii.gz has 4 coils apart: combine them first" in refused(
        bench, run, ["fit", bench.svs, "--basis", bench.basis, "--out", bench.out]
    )


def test_real_values_are_no_spectroscopy(bench, run):
    image = nibabel.load(bench.svs)
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    nibabel.save(image.__class__(np.asarray(image.dataobj).real.astype(np.float32), image.affine, header=header), bench.svs)
    assert "complex data are expected" in refused(bench, run, bench.preprocess())


def test_folder_is_no_file(bench, run):
    assert "is not a file" in refused(bench, run, ["preprocess", bench.folder, "--out", bench.out])


def test_text_among_standard_errors_is_named(bench, run, measures_table):
    bench.measures.write_text(measures_table.to_csv(sep="\t", index=False).replace("\t0.03", "\tsmall", 1), encoding="utf-8")
    bench.study.write_text(
        "study: {name: x}\nbasis: {}\nwindows: {event: null}\nstatistics: {conditions: [placebo, naltrexone]}\n", encoding="utf-8"
    )
    assert "the column 'sd' of the table of measures holds text" in refused(bench, run, bench.contrast())


def test_other_conditions_are_named_where_they_are_left_out(bench, run, measures_table, table):
    changed = measures_table.copy()
    changed.loc[(changed["participant"] == "08") & (changed["session"] == "2"), "condition"] = "saline"
    bench.measures.write_text(changed.to_csv(sep="\t", index=False), encoding="utf-8")
    bench.study.write_text(
        "study: {name: x}\nbasis: {}\nwindows: {event: null}\nstatistics: {conditions: [placebo, naltrexone], measures: [Glx/tNAA]}\n",
        encoding="utf-8",
    )
    assert run(*bench.contrast()).code == 0
    assert "saline" in table(bench.out / "contrasts.tsv")["reason"].iloc[0]
