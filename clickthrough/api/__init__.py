"""The front doors for programs and notebooks: frames in, models and probabilities out."""
