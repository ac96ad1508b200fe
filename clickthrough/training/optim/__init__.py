"""From batches to weights: the loop, its losses, optimizers and schedules."""
