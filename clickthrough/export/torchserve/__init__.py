"""An archive for TorchServe, which gets no security fixes any more."""
