"""The water reference on record: apart from what is made of it, so that preprocessing depends on no more than its measurement."""

from dataclasses import asdict

from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.quantification.water import measure_water


def water_entry(reference: Fids | None) -> dict[str, object]:
    """What the record of preprocessing says of the water reference: its signal and timing, or why there is none."""
    if reference is None:
        return {"reason": "there is no water reference"}
    try:
        water = measure_water(reference)
    except DataError as error:
        return {"reason": str(error)}
    return asdict(water)
