"""The maps that there are, by the name that configurations and bundles give them."""

from typing import Annotated

from pydantic import Field

from clickthrough.calibration.base import Curve
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.temperature import Temperature

CURVES: dict[str, type[Curve]] = {
    "platt": Platt,
    "temperature": Temperature,
    "isotonic": Isotonic,
}
AnyCurve = Annotated[Platt | Temperature | Isotonic, Field(discriminator="method")]
