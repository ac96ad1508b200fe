"""A model repository for Triton: raw fields by Python, encoded inputs by ONNX Runtime."""
