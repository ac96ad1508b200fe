"""From a model's score to a probability that means what it says.

Fitted on the validation period in training, applied everywhere; numpy alone, for serving loads it.
"""

from clickthrough.calibration.base import Calibrator
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.read import read_calibrator

__all__ = ["Calibrator", "Platt", "read_calibrator"]
