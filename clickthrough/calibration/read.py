"""A calibrator from the file of a bundle."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from clickthrough.calibration.base import Calibrator
from clickthrough.calibration.identity import Identity
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.sliced import Sliced
from clickthrough.calibration.temperature import Temperature

_ANY: TypeAdapter[Calibrator] = TypeAdapter(
    Annotated[Platt | Temperature | Isotonic | Identity | Sliced, Field(discriminator="method")]
)


def read_calibrator(text: str | bytes) -> Calibrator:
    """Read a calibrator of any method from the JSON that it wrote.

    Raises:
        ValueError: it is none.
    """
    return _ANY.validate_json(text)
