"""Values and comments as YAML, whatever the names of columns and files hold. Pure."""

import json
import re

import yaml

_RESOLVER = yaml.SafeLoader("")
_TEXT = "tag:yaml.org,2002:str"


def scalar(value: object) -> str:
    """Write a value as YAML; what could be misread is quoted as in JSON.

    >>> scalar("item"), scalar("a: b"), scalar("true"), scalar(0.1), scalar(["x", "7"])
    ('item', '"a: b"', '"true"', '0.1', '[x, "7"]')
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(scalar(entry) for entry in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    plain = re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./-]*|\d+[smhd]", value)
    return value if plain and _is_text(value) else quoted(value)


def _is_text(plain: str) -> bool:
    """Say whether YAML reads a text without quotes as one: not ``NO`` or ``null``."""
    found = _RESOLVER.resolve(yaml.ScalarNode, plain, (True, False))  # type: ignore[no-untyped-call]
    return bool(found == _TEXT)


def quoted(text: str) -> str:
    """Write a text in double quotes, with YAML's escapes of what cannot be printed."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(
        sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in escaped
    )  # fmt: skip


def with_comment(text: str, comment: str) -> str:
    """Write a line with a comment beside it."""
    if not comment:
        return text
    if not text:  # a comment above what it is about
        return f"{comment[: len(comment) - len(comment.lstrip())]}# {one_line(comment)}"
    return f"{text}  # {one_line(comment)}"


def one_line(text: str) -> str:
    """Keep a comment a comment, whatever the name of a column holds."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
