"""An acquisition at 3 T, and spin groups made up for closed forms."""

import pytest

from mrs_pipeline.acquisition import Acquisition


@pytest.fixture
def acquisition() -> Acquisition:
    return Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.03, repetition_time_s=2.0
    )
