"""Other homes of a model: a bundle written for servers and programs that are not this one's.

Each home is a module below with one ``write``; :data:`clickthrough.export.homes.HOMES`
lists them, :func:`clickthrough.export.run.export_bundle` writes one.
What is written is whole or not there, answers as the bundle does, and is never read back.
"""
