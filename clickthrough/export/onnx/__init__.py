"""One ONNX graph from encoded inputs to the calibrated probability."""
