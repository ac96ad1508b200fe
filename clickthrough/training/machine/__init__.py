"""Where training runs: the device, its threads and its memory."""
