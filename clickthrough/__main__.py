"""``python -m clickthrough`` is the command line."""

from clickthrough.cli import main

main()
