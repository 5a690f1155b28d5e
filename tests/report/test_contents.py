"""Contents of a page are checked when they are put together."""

from dataclasses import replace

import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.report.contents import GroupReport


def test_a_table_that_lacks_a_column_is_refused(study: GroupReport) -> None:
    with pytest.raises(DataError, match="table 'contrasts' has no column 'estimate'"):
        replace(study, contrasts=study.contrasts.drop(columns="estimate"))
