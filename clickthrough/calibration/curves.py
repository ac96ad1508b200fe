"""The maps that there are, by the name that configurations and bundles give them."""

from typing import Annotated

from pydantic import Field

from clickthrough.calibration.identity import Identity
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.temperature import Temperature

AnyCurve = Annotated[Platt | Temperature | Isotonic | Identity, Field(discriminator="method")]
CurveType = type[Platt] | type[Temperature] | type[Isotonic] | type[Identity]
CURVES: dict[str, CurveType] = {
    "platt": Platt,
    "temperature": Temperature,
    "isotonic": Isotonic,
    "none": Identity,
}
