"""A name that a directory may have, of signs that patterns and partitions are made of."""

ODD = "a [1] {b,c} %20 day=2"
