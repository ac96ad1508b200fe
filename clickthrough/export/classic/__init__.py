"""The classic layout, for those who read ``.pth`` and ``.pkl`` files: written, never read back.

A bundle holds no pickle, and nothing here loads one: loading runs code, and breaks across versions
of a library. ``inference.py`` and ``model_def.py`` are written beside the files; they alone read
them, in a process of their own, and import nothing of this package.
"""
