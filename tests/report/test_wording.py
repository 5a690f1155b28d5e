import pytest

from mrs_pipeline.report.wording import decimals_for, is_failed, is_ok, is_primary, level, number, p_value


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-1.256, 2, "−1.26"),
        (-0.001, 2, "0.00"),
        (float("nan"), 2, "–"),
        (1.3284, None, "1.33"),
        (123.4, None, "123"),
        (0.0123, None, "0.0123"),
        (0, None, "0"),
    ],
)
def test_numbers(value: float, decimals: int | None, text: str) -> None:
    assert number(value, decimals=decimals) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "<0.001"), (0.0289, "0.029"), (0.0996, "0.100"), (0.41, "0.41"), (1.0, "1.00"), (float("nan"), "–")]
)
def test_p_values(p: float, text: str) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(("se", "decimals"), [(0.95, 2), (1.2, 1), (14.0, 0), (0.0123, 3), (float("nan"), 2), (0.0, 2)])
def test_decimals_show_two_digits_of_the_standard_error(se: float, decimals: int) -> None:
    assert decimals_for(se) == decimals


def test_statuses() -> None:
    assert is_ok("ok")
    assert is_ok("")
    assert is_failed("Failed: no signal")
    assert is_failed("no_signal")
    assert not is_failed("warning: broad lines")
    assert [level(s) for s in ("ok", "failed", "warning", "")] == ["ok", "failed", "warning", ""]


def test_primary_needs_every_named_part() -> None:
    row = {"analysis": "a", "measure": "m", "contrast": "c"}
    assert is_primary(row, {"measure": "m", "contrast": "c"})
    assert not is_primary(row, {"measure": "m", "contrast": "d"})
    assert not is_primary(row, {})
