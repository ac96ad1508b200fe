"""The encoding of a text, told by its bytes; those that should be UTF-8 and are not are refused."""

import codecs
import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

from clickthrough.errors import DataError

HEAD = 1 << 20
"""Bytes of a file by which its encoding is told."""
_MARKS = {  # the longer ones first, since one of UTF-32 begins as one of UTF-16 does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Marks of the byte order -> the encoding."""
_CONTROL = re.compile(rb"[\x00\x02-\x08\x0e-\x1f]")
"""Bytes that no text holds; of \x01, Hive makes a separator."""
_WESTERN = ("cp1252", "cp1250", "cp1254")
"""Encodings of languages that have single letters beyond ASCII, the likelier first."""
_USUAL = (*_WESTERN, "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "cp1253",
          "cp1255", "cp1256", "cp874")  # fmt: skip
"""Encodings that files of logs have, beside UTF-8: the likelier one of several that fit first."""
_APART = re.compile(rb"(?:[\x00-\x7f]|(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff]))*")
"""Text whose letters beyond ASCII stand alone; those of several bytes a sign do not."""
_IN_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\x80-\xff]{2})*+")
_LOOKED_AT = 20_000
"""Bytes beyond ASCII, with the words that they are of, by which an encoding is guessed."""
_WORD = re.compile(rb"[^\s\x01,;\"']*[\x80-\xff][^\s\x01,;\"']*")
_NEAR = 0.1
"""Of encodings that hardly differ in how odd the text would be the likelier one is taken."""
_BEYOND, _LONG = re.compile(r"[^\x00-\x7f]"), re.compile(r"[^\x00-\u07ff]")
"""Signs that are two bytes or more in UTF-8, and three or more."""
_LEAST_NULS = 8
"""One byte of so many at least is NUL in the first line of a table in UTF-16."""


def encoding_of(head: bytes, said: str | None, more: Iterable[bytes] = ()) -> str:
    """Return the encoding of a file.

    UTF-16 and UTF-32 show in the bytes, and so does UTF-8 where there are letters beyond ASCII.

    Args:
        head: its first bytes, which may be cut within a sign.
        said: what it is otherwise, as Python calls it; UTF-8 by default.
        more: what follows; looked at only where an encoding is said.
    """
    found = _wide(head.partition(b"\n")[0] + b"\n")
    if found is not None or said is None:
        return found or "utf-8"
    unlike = said.startswith(("utf-16", "utf-32")) and b"\0" not in head
    return "utf-8" if unlike or _speaks_for_utf8(chain([head], more), said) else said


def encoding_of_file(file: IO[bytes], said: str | None) -> str:
    """Return the encoding of a file that is open at its beginning; see :func:`encoding_of`."""
    return encoding_of(file.read(HEAD), said, blocks_of(file))


def blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file from where it is read."""
    return iter(partial(file.read, HEAD), b"")


def is_of_a_byte_a_sign(encoding: str) -> bool:
    """Tell the encodings that know no sign of several bytes.

    >>> is_of_a_byte_a_sign("cp1252"), is_of_a_byte_a_sign("gb18030")
    (True, False)
    """
    every = bytes(range(256))
    return len(every.decode(encoding, "replace")) == len(every)


def _speaks_for_utf8(blocks: Iterable[bytes], said: str) -> bool:
    """Say whether all of a text is UTF-8, and its letters beyond ASCII are so by no accident.

    A few words in an encoding of two bytes a sign may be UTF-8 by chance, of two bytes a letter.
    """
    utf8, other = (codecs.getincrementaldecoder(name)() for name in ("utf-8", said))
    telling = _BEYOND if is_of_a_byte_a_sign(said) else _LONG
    speaks = False
    for block in blocks:
        text = _decoded(utf8, block)
        if text is None:
            return False
        if not speaks:
            speaks = telling.search(text) is not None or _decoded(other, block) is None
    return speaks


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes) -> str | None:
    """Decode what follows; None where it is no text in the encoding."""
    try:
        return decoder.decode(block)
    except UnicodeDecodeError:
        return None


def is_utf8(content: bytes, whole: bool = False) -> bool:
    """Say whether bytes are UTF-8.

    Args:
        content: the bytes.
        whole: whether the last sign is not cut.
    """
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def may_be_text(content: bytes) -> bool:
    """Say whether bytes may be a text, in whichever encoding of a byte a sign or two."""
    return _CONTROL.search(content[:HEAD]) is None


def guessed(content: bytes) -> str | None:
    """Guess the encoding of a text that is not UTF-8; None where no usual one fits."""
    from charset_normalizer import from_bytes

    words = b"\n".join(_WORD.findall(content))[:_LOOKED_AT]
    if not words or not may_be_text(content):
        return None
    able = _WESTERN if _APART.fullmatch(words) else _USUAL
    found = from_bytes(words, cp_isolation=[*able])
    best = found.best()
    if best is None:
        return None
    alike = [one for one in found if one.chaos <= best.chaos + _NEAR * (able is _WESTERN)]
    if able is _USUAL:  # what its letters would be in a language tells the others apart
        alike = [one for one in alike if one.coherence == best.coherence]
    return min((one.encoding for one in alike), key=able.index)


def in_pairs(content: bytes) -> bool:
    """Say whether bytes beyond ASCII come in pairs, as those of most Chinese texts do."""
    return _IN_PAIRS.fullmatch(content) is not None


def is_by_chance_utf8(content: bytes, encoding: str) -> bool:
    """Say whether what is UTF-8 of a text is so by chance: all of it is text in pairs of bytes.

    Args:
        content: all lines of the text that hold bytes beyond ASCII.
        encoding: that it would be of.
    """
    paired = in_pairs(content) and not is_of_a_byte_a_sign(encoding)
    if not paired or _decoded(codecs.getincrementaldecoder(encoding)(), content) is None:
        return False
    lines = [line for line in content.split(b"\n") if is_utf8(line, whole=True)]
    return _LONG.search(b"\n".join(lines).decode()) is None


def refuse_bytes_in(line: bytes, row: int, name: str, more: bytes = b"") -> None:
    """Refuse a line that is not UTF-8.

    Args:
        line: the line.
        row: its number.
        name: how errors call the file.
        more: what follows, by which its encoding may be told better.

    Raises:
        DataError: names the row, and the bytes or their encoding.
    """
    if row == 1 and (found := _wide(line)):
        raise DataError(
            f"{name}: row 1: expected UTF-8, found {found.upper()}; convert it first: "
            f"iconv -f {found} -t utf-8"
        )
    try:
        line.decode()
    except UnicodeDecodeError as error:
        around = line[max(error.start - 20, 0) : error.end + 20]
        raise DataError(f"{name}: row {row}: not UTF-8: {around!r}; {hint(line + more)}") from None


def find_bytes(path: Path, name: str) -> None:
    """Refuse the first line of a file that is not UTF-8.

    Raises:
        DataError: there is one.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not is_utf8(line, whole=True):
                refuse_bytes_in(line, number, name, file.read(HEAD))


def hint(content: bytes) -> str:
    """Say what may help; an encoding is named only where the bytes speak for it."""
    if not may_be_text(content):
        return "it does not look like text"
    found = guessed(content)
    if found is None:
        return "say which encoding it has with 'data.encoding', or init --encoding"
    return f"it may be {found}: say so with 'data.encoding: {found}', or init --encoding {found}"


def _wide(line: bytes) -> str | None:
    """Return the encoding of a first line in which a sign takes two or four bytes."""
    for mark, encoding in _MARKS.items():
        if line.startswith(mark):
            return encoding
    found = _by_nuls(line)
    # the end of the line may be cut within a sign
    text = line[: len(line) // 4 * 4].decode(found, "replace") if found else ""
    odd = re.search("[\x00\x02-\x08\x0e-\x1f\ufffd]", text) or not re.search("[ -~]", text)
    return None if odd else found


def _by_nuls(line: bytes) -> str | None:
    """Tell such an encoding by the places of NUL bytes, which no table in UTF-8 has."""
    if line.count(0) * _LEAST_NULS < len(line):
        return None
    empty = [not any(line[place::4]) for place in range(4)]
    if all(empty[2:]) or all(empty[:2]):
        return "utf-32le" if all(empty[2:]) else "utf-32be"
    even, odd = 0 in line[::2], 0 in line[1::2]
    return None if even and odd else "utf-16le" if odd else "utf-16be"
