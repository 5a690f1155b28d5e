"""The statistics section: defaults and every way of getting it wrong."""

import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.options import options_from

GOOD = {
    "conditions": ["placebo", "naltrexone"],
    "primary": {"analysis": "session_aware", "measure": "Glx/tNAA", "contrast": "naltrexone - placebo: infusion change"},
    "analyses": ["session_aware", "paired_summary"],
    "measures": ["Glx/tNAA", "GABA/tNAA"],
    "scale": {"GABA/tNAA": "raw"},
}


def test_defaults() -> None:
    options = options_from({key: GOOD[key] for key in ("conditions", "analyses", "measures")}, analyses=ANALYSES)
    assert (options.adjustment, options.confidence, options.covariates) == ("holm", 0.95, ())
    assert options.scale_of("Glx/tNAA") == "log_percent"
    assert not options.is_primary(measure="Glx/tNAA", comparison="naltrexone - placebo")


def test_scale_of_one_measure_and_of_all_others() -> None:
    assert options_from(GOOD, analyses=ANALYSES).scale_of("GABA/tNAA") == "raw"
    options = options_from({**GOOD, "scale": {"default": "raw", "Glx/tNAA": "log_percent"}}, analyses=ANALYSES)
    assert (options.scale_of("Glx/tNAA"), options.scale_of("GABA/tNAA")) == ("log_percent", "raw")


def test_every_later_condition_is_contrasted_with_the_first() -> None:
    options = options_from({**GOOD, "conditions": ["placebo", "naltrexone", "ketamine"]}, analyses=ANALYSES)
    assert options.pairs() == [("naltrexone", "placebo"), ("ketamine", "placebo")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conditons": []}, "unknown key of the statistics section 'conditons'"),
        ({"conditions": "placebo"}, "'statistics: conditions' must be a list"),
        ({"measures": []}, "'statistics: measures' must be a list"),
        ({"conditions": ["placebo", "placebo"]}, "needs different names"),
        ({"residuals": "ar2"}, "unknown value of 'statistics: residuals' 'ar2': use one of ar1, by_window, independent"),
        ({"degrees_of_freedom": "z"}, "unknown value of 'statistics: degrees_of_freedom' 'z': use one of kenward_roger, satterthwaite"),
        ({"design": "latin"}, "unknown value of 'statistics: design' 'latin': use one of crossover, parallel, pre_post"),
        ({"factors": {"drug": {"placebo": ["placebo"]}}}, "'statistics: factors: drug' must have two levels"),
        ({"factors": {"drug": {"no": ["placebo"], "yes": ["ketamine"]}}}, "unknown condition in 'statistics: factors: drug' 'ketamine'"),
        ({"factors": {"drug": {"no": ["placebo"], "yes": []}}}, "must name each of the conditions placebo, naltrexone in one level"),
        (
            {"factors": {name: {"no": ["placebo"], "yes": ["naltrexone"]} for name in ("a", "b")}},
            "factors 'a' and 'b' do not cross",
        ),
        ({"analyses": ["anova"]}, "unknown analysis 'anova': use one of as_published, max_t, paired_summary"),
        ({"scale": {"Glx/tNAA": "log"}}, "unknown scale 'log': use one of log_percent, raw"),
        ({"scale": {"Glx": "raw"}}, "unknown measure in 'statistics: scale' 'Glx'"),
        ({"adjustment": "bonferroni"}, "unknown adjustment 'bonferroni'"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"summary": "median"}, "unknown 'statistics: summary' 'median': use one of auc, mean"),
        (
            {"analyses": ["session_aware", "max_t"], "primary": {**GOOD["primary"], "analysis": "max_t"}},
            "'statistics: primary: analysis' 'max_t': use one of session_aware",
        ),
        ({"primary": {**GOOD["primary"], "analysis": "as_published"}}, "'statistics: primary: analysis'"),
        ({"primary": "Glx/tNAA"}, "must have the keys analysis, measure and contrast"),
        ({"primary": {**GOOD["primary"], "measure": "Glx"}}, "'statistics: primary: measure'"),
        (
            {"primary": {**GOOD["primary"], "contrast": "placebo - naltrexone: infusion change"}},
            "use one of naltrexone - placebo: infusion",
        ),
    ],
)
def test_errors_name_the_key(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        options_from({**GOOD, **changes}, analyses=ANALYSES)
