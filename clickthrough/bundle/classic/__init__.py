"""The classic layout, for those who read ``.pth`` and ``.pkl`` files: written, never read back.

A bundle holds no pickle, and nothing here loads one: loading runs code, and breaks across versions
of a library. ``score.py`` is the example that is written beside the files; it alone reads them, in
a process of its own, and imports nothing of this package.
"""

from clickthrough.bundle.classic.example import Example, make_example
from clickthrough.bundle.classic.write import check_place, export_classic

__all__ = ["Example", "check_place", "export_classic", "make_example"]
