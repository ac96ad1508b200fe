"""The bundle: the directory a training run leaves, with everything that serving needs.

JSON, ONNX, safetensors and ``.npy``: nothing in it can execute code.
"""

from clickthrough.bundle.load import Bundle, load_bundle

__all__ = ["Bundle", "load_bundle"]
