"""What a user does wrong ends with code 2, one line on stderr and nothing written; code 1 is for defects of the program."""

import numpy as np
import pytest

BASIS_OPTIONS = ["--sequence", "press", "--echo-time", 0.03, "--frequency", 127.7, "--spectral-width", 2000, "--n-points", 256]
CONTRAST = "study: {name: x}\nbasis: {}\nwindows: {event: null}\nstatistics: {conditions: [placebo, naltrexone]}\n"


def truncated(bench):
    bench.svs.write_bytes(bench.svs.read_bytes()[:4000])
    return bench.preprocess()


def text_for_nifti(bench):
    bench.svs.write_text("this is no image\n", encoding="utf-8")
    return bench.preprocess()


def missing_file(bench):
    bench.svs.unlink()
    return bench.preprocess()


def mirrored_raw(bench):
    bench.change(bench.svs, np.conj)
    return bench.preprocess()


def mirrored_spectra(bench):
    bench.change(bench.preprocessed, np.conj)
    return bench.fit()


def not_a_number(bench):
    bench.change(bench.svs, lambda values: np.full_like(values, np.nan))
    return bench.preprocess()


def missing_reference(bench):
    return [*bench.preprocess(), "--reference", bench.folder / "none.nii.gz"]


def missing_events(bench):
    bench.events.unlink()
    return bench.timecourse()


def no_events(bench):
    arguments = bench.timecourse()
    place = arguments.index("--events")
    return arguments[:place] + arguments[place + 2 :]


def mistyped_events(bench):
    bench.events = bench.folder / "nowhere.tsv"
    return bench.timecourse()


def text_as_onset(bench):
    bench.events.write_text("onset\tduration\ttrial_type\nsoon\t1\tinfusion\n", encoding="utf-8")
    return bench.timecourse()


def missing_event_type(bench):
    bench.replace(bench.events, "infusion", "injection")
    return bench.timecourse()


def windows_elsewhere(bench):
    bench.replace(bench.events, "72.0", "7200.0")
    return bench.timecourse()


def raw_for_preprocessed(bench):
    bench.preprocessed = bench.svs
    return bench.timecourse()


def table_of_another_file(bench):
    path = bench.preprocessed.with_name("transients.tsv")
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    return bench.timecourse()


def config_typo(bench):
    bench.replace(bench.study, "statistics:", "statistic:")
    return bench.timecourse()


def unknown_metabolite(bench):
    bench.study.write_text(bench.study.read_text(encoding="utf-8") + "measures: {mine: {sum: [Glu, NAX]}}\n", encoding="utf-8")
    return bench.fit()


def unknown_macromolecule(bench):
    bench.replace(bench.study, "MM09", "MM99")
    return bench.fit()


def no_yaml(bench):
    bench.study.write_text("study: [\n", encoding="utf-8")
    return bench.fit()


def missing_config(bench):
    bench.study.unlink()
    return bench.fit()


def missing_basis(bench):
    bench.basis.unlink()
    return bench.fit()


def text_for_basis(bench):
    bench.basis.write_text("no basis", encoding="utf-8")
    return bench.fit()


def empty_range(bench):
    return [*bench.fit(), "--ppm-range", 4, 0.2]


def range_outside(bench):
    return [*bench.fit(), "--ppm-range", 90, 95]


def file_in_the_way(bench):
    bench.out.write_text("mine", encoding="utf-8")
    return bench.fit()


def file_as_parent(bench):
    (bench.folder / "file").write_text("mine", encoding="utf-8")
    bench.out = bench.folder / "file" / "out"
    return bench.preprocess()


def file_in_the_way_of_windows(bench):
    bench.out.write_text("mine", encoding="utf-8")
    return bench.timecourse()


def file_in_the_way_of_contrasts(bench):
    bench.out.write_text("mine", encoding="utf-8")
    bench.measures.write_text(bench.good, encoding="utf-8")
    bench.study.write_text(CONTRAST, encoding="utf-8")
    return bench.contrast()


def folder_in_the_way_of_the_basis(bench):
    bench.out.mkdir()
    (bench.out / "mine").touch()
    return ["basis", *BASIS_OPTIONS, "--metabolites", "Cr", "--out", bench.out]


def simulate_into_a_file(bench):
    bench.out.write_text("mine", encoding="utf-8")
    return ["simulate", "config/simulation/phantom.yaml", "--out", bench.out]


def import_into_a_file(bench):
    bench.out.write_text("mine", encoding="utf-8")
    (bench.folder / "table.tsv").write_text("file\tparticipant\tkind\nsvs.nii.gz\t01\tsvs\n", encoding="utf-8")
    return ["import", bench.folder / "table.tsv", "--source", bench.folder, "--out", bench.out]


def wrong_option(bench):
    return [*bench.fit(), "--colour", "red"]


def wrong_command(bench):
    return ["fitt"]


def no_command(bench):
    return []


def number_expected(bench):
    return ["basis", *BASIS_OPTIONS[:-1], "many", "--out", bench.out]


def negative_seed(bench):
    return ["simulate", "x.yaml", "--seed", -1, "--out", bench.out]


def unknown_sequence(bench):
    return ["basis", "--sequence", "laser", *BASIS_OPTIONS[2:], "--out", bench.out]


def unknown_metabolite_of_a_basis(bench):
    return ["basis", *BASIS_OPTIONS, "--metabolites", "NAX", "--out", bench.out]


def missing_description(bench):
    return ["simulate", bench.folder / "none.yaml", "--out", bench.out]


def empty_measures(bench):
    bench.measures.write_text("", encoding="utf-8")
    return bench.contrast()


def measures_without_rows(bench):
    bench.measures.write_text(bench.good.splitlines()[0] + "\n", encoding="utf-8")
    return bench.contrast()


def missing_column(bench):
    bench.measures.write_text(bench.good.replace("\tcondition\t", "\tconditoin\t", 1), encoding="utf-8")
    return bench.contrast()


def condition_that_is_not_there(bench):
    bench.measures.write_text(bench.good, encoding="utf-8")
    bench.replace(bench.study, "naltrexone", "saline")
    return bench.contrast()


def text_in_values(bench):
    bench.measures.write_text(bench.good.replace("\t1.3", "\tmany", 1), encoding="utf-8")
    return bench.contrast()


CASES = {
    truncated: "svs.nii.gz could not be read as NIfTI-MRS",
    text_for_nifti: "svs.nii.gz could not be read as NIfTI-MRS",
    missing_file: "svs.nii.gz",
    mirrored_raw: "the spectrum looks mirrored",
    mirrored_spectra: "the spectrum looks mirrored",
    not_a_number: "svs.nii.gz holds no FID whose values are all finite numbers",
    missing_reference: "none.nii.gz",
    missing_events: "events.tsv does not exist",
    no_events: "but windows.event is 'infusion'",
    mistyped_events: "nowhere.tsv does not exist",
    text_as_onset: "the onset of 'infusion' is not a number",
    missing_event_type: "no event of trial_type 'infusion' in the events table (found: injection)",
    windows_elsewhere: "has no window with enough retained transients",
    raw_for_preprocessed: "preprocessed transients (transient, time) are expected",
    table_of_another_file: "63 rows for 64 transients",
    config_typo: "unknown key 'statistic' (did you mean 'statistics'?): use one of basis, fitting,",
    unknown_metabolite: "measures.mine needs metabolite 'NAX', which is not in the basis: use one of",
    unknown_macromolecule: "MM99",
    no_yaml: "study.yaml is not valid YAML at line",
    missing_config: "study.yaml does not exist",
    missing_basis: "basis.npz",
    text_for_basis: "basis.npz",
    empty_range: "--ppm-range 4 0.2 is empty",
    range_outside: "fitting.ppm_range is 90 to 95 ppm, where the data have fewer than",
    file_in_the_way: "out",
    file_as_parent: "out",
    file_in_the_way_of_windows: "out",
    file_in_the_way_of_contrasts: "out",
    folder_in_the_way_of_the_basis: "out",
    simulate_into_a_file: "out exists already",
    import_into_a_file: "out exists already",
    wrong_option: "--colour",
    wrong_command: "fitt",
    no_command: "COMMAND",
    number_expected: "--n-points",
    negative_seed: "-1 is negative",
    unknown_sequence: "unknown sequence 'laser': use one of",
    unknown_metabolite_of_a_basis: "NAX",
    missing_description: "none.yaml does not exist",
    empty_measures: "measures.tsv is empty",
    measures_without_rows: "has a header and no rows",
    missing_column: "measures.tsv has no column 'condition'",
    condition_that_is_not_there: "saline",
    text_in_values: "value",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_one_line_and_code_2(case, bench, run, measures_table):
    bench.good = measures_table.to_csv(sep="\t", index=False)
    arguments = case(bench)
    before = {path: path.stat().st_mtime_ns for path in bench.folder.rglob("*")}
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert err.startswith("mrs-pipeline")
    assert CASES[case] in err
    assert {path: path.stat().st_mtime_ns for path in bench.folder.rglob("*") if path in before or path.is_file()}.keys() == before.keys()
    assert {path.name for path in bench.folder.iterdir()} == {path.name for path in before if path.parent == bench.folder}
