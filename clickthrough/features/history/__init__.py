"""History features: what earlier events say of a key, as of an impression's tick."""
