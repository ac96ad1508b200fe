"""What the owner of a log should hear beside the table of its columns: guesses that may be wrong.

They are printed, and stand at the head of the configuration.
"""

import polars as pl

from clickthrough.init.kinds import Made
from clickthrough.init.left_out import DECIMAL_COMMA, FLAGS, is_dated
from clickthrough.init.names import hint, leak
from clickthrough.init.profile import Column, Profile
from clickthrough.init.roles import Guess
from clickthrough.init.times import ALSO, FEW_ROWS, fault_of, guess_time

_CLOCKS = ("timestamp", "time", "datetime", "date", "ts")
_NUMBER = r"^\s*[-+]?\d+(\.\d+)?\s*$"


def notes(profile: Profile, guess: Guess, made: list[Made]) -> list[str]:
    """Return what may be wrong about the guesses, a line each."""
    return [*_times(profile, guess, made), *_numbers(profile, made), *_no_roles(guess)]


def _times(profile: Profile, guess: Guess, made: list[Made]) -> list[str]:
    rest = [m for m in made if _looks_like_time(m.column, profile.rows[m.column.name], guess)]
    found = [_untaken(m, profile, guess) for m in rest]
    if guess.time is None:
        found.append("no column is the time: the log is divided in the order of its rows, and "
                     "nothing is counted over time; name it with --time COLUMN")  # fmt: skip
    elif not guess.time.known:
        found.append(f"the time '{guess.time.column}' counts from no known moment, and its unit "
                     "is a guess: see 'time' in the configuration")  # fmt: skip
    elif ALSO in guess.time.reason:
        found.append(f"the time '{guess.time.column}': {guess.time.reason}: see 'time'")
    return found


def _looks_like_time(column: Column, values: pl.Series, guess: Guess) -> bool:
    if column.type == "moment" or is_dated(values, 1.0 if guess.time else 1 - FEW_ROWS):
        return True
    named = hint(column.name, _CLOCKS) is not None and column.distinct > 1
    return guess.time is None and named and column.type in ("int", "float", "str")


def _untaken(made: Made, profile: Profile, guess: Guess) -> str:
    """Say of a column that looks like a time why it is not the time, and what to do."""
    name, values = made.column.name, profile.rows[made.column.name]
    become = "is left out" if made.kind == "drop" else f"becomes {made.kind}"
    shown = str(values.drop_nulls().first())[:30]
    if guess.time is not None:
        why = f"the time is '{guess.time.column}'; --time {name} would take this one"
    elif fault := fault_of(profile, name):
        why = f"every row needs a time, and it {fault.text(profile)}"
    elif made.column.missing:
        lacking = values.null_count()
        why = f"{lacking:,} of {len(values):,} rows lack it, and every row needs a time"
    elif word := leak(name, guess.label.column):
        why = f"'{word}' in its name hints at what comes after the impression; --time {name} "
        why += "would take it all the same"
    elif guess_time(profile, name) is not None:
        why = f"its name does not say that an impression has it; --time {name} would take it"
    else:
        why = "it cannot be read as one; 'time' in the data section says how times are written"
    return f"column '{name}' looks like a time ({shown}) and {become}: {why}"


def _numbers(profile: Profile, made: list[Made]) -> list[str]:
    """Tell of texts that are numbers but for a few, or but for a decimal comma."""
    found = []
    for m in made:
        values = profile.rows[m.column.name]
        if m.reason == DECIMAL_COMMA:
            found.append(f"column '{m.column.name}' is left out: {m.reason} ({values[0]})")
        elif m.kind != "drop" and values.dtype == pl.String and not m.column.force_text:
            odd = _odd_ones(values.drop_nulls())
            found += [f"column '{m.column.name}' becomes {m.kind}: {odd}"] if odd else []
    return found


def _odd_ones(known: pl.Series) -> str | None:
    """Say what keeps a column of texts from being one of numbers, if most of it is."""
    others = known.filter(~known.str.contains(_NUMBER))
    if not 0 < len(others) <= 0.2 * len(known):
        return None
    return (f"it holds numbers, but also texts such as '{others[0]}' ({len(others):,} rows); "
            "leave those blank to have a quantity")  # fmt: skip


def _no_roles(guess: Guess) -> list[str]:
    missing = [role for role in ("user", "item") if role not in guess.columns]
    if not missing:
        return []
    flags = ", ".join(FLAGS[role] for role in missing)
    return [f"no column was taken for {', '.join(missing)}; name one with {flags}"]
