"""What stays after a failure, what a defect looks like, and the help."""

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
