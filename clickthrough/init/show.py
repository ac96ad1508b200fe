"""What init found, for the terminal."""

from rich.table import Table
from rich.text import Text

from clickthrough.init.run import Line


def column_table(lines: list[Line]) -> Table:
    """Return a table of columns: type, distinct values, what becomes of each, why."""
    table = Table("column", "type", "distinct", "becomes", "why")
    for line in lines:
        cells = (line.column, line.type, line.distinct, line.becomes, line.why)
        table.add_row(*(Text(cell) for cell in cells))
    return table
