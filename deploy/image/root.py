"""Make the root of the service's image: Python, and what it loads of Debian's files.

``python3 root.py PACKAGES ROOT``, in the stage that has installed them; nothing but the standard
library is needed. Of each Debian package that a file comes from, its entry is kept in
``/var/lib/dpkg/status.d``, where scanners of images look for it.
"""

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

USER = 10001
UNUSED = (
    "__pycache__", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "tkinter",
    "turtledemo", "venv", "config-*", "readline.*", "_curses*.so", "_dbm.*", "_*test*.so", "xx*.so",
)  # fmt: skip
"""Of the standard library and of packages: what a service never imports."""
FILES = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/openssl.cnf", "/etc/os-release",
    "/etc/debian_version",
)  # fmt: skip
MAKES_CERTIFICATES = Path("/usr/sbin/update-ca-certificates")
WRITTEN = {
    "etc/passwd": f"root:x:0:0:root:/:/sbin/nologin\nctr:x:{USER}:{USER}:ctr:/:/sbin/nologin\n",
    "etc/group": f"root:x:0:\nctr:x:{USER}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
TRIED = ("bz2", "ctypes", "lzma", "sqlite3", "ssl", "zlib")
"""Modules that a root which lacks a library cannot import."""
LOADED_LATER = ("libgcc_s.so.1",)
"""What no file names: glibc loads it when a thread ends."""


def main(packages: Path, root: Path) -> None:
    """Fill ``root``, and trim ``packages`` where they are."""
    for unused in [found for pattern in UNUSED for found in packages.rglob(pattern)]:
        if unused.is_dir():
            shutil.rmtree(unused, ignore_errors=True)
    python = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    kept = root / library.relative_to("/")
    shutil.copytree(library, kept, ignore=shutil.ignore_patterns(*UNUSED))
    loaded = {python, *(Path(name) for name in FILES)}
    loaded |= set(libraries([python, *elf_files(kept), *elf_files(packages)], packages))
    for path in sorted(loaded):
        copy(path, root)
    (root / "usr/bin/python3").symlink_to(python.name)
    (root / "usr/lib/ssl").mkdir(parents=True)
    (root / "usr/lib/ssl/cert.pem").symlink_to(FILES[0])
    (root / "usr/lib/ssl/openssl.cnf").symlink_to(FILES[1])
    write_accounts(root)
    modules = {library / path.relative_to(kept) for path in kept.rglob("*.py")}
    keep_entries({*loaded, *modules, MAKES_CERTIFICATES}, root)
    told("ldconfig", "-r", str(root))
    compile_all(kept, library)
    compile_all(packages, packages)
    told("chroot", str(root), "/usr/bin/python3", "-c", f"import {', '.join(TRIED)}")


def compile_all(tree: Path, place: Path) -> None:
    """Compile what will lie at ``place``; a root that cannot be written to keeps no bytecode."""
    # by no time of a file, which layers may change
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(
        tree, quiet=1, ddir=str(place), workers=0, invalidation_mode=mode
    ):
        sys.exit(f"{tree}: not all of it compiles")


def elf_files(tree: Path) -> Iterator[Path]:
    """Give the programs and libraries below a directory."""
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def libraries(programs: Iterable[Path], packages: Path) -> Iterator[Path]:
    """Give the libraries outside of ``packages`` that programs are linked with."""
    for program in programs:
        linked = told("ldd", str(program), may_fail=True)  # fails for what is linked with nothing
        if "not found" in linked:
            sys.exit(f"{program}: a library is missing:\n{linked}")
        for name in re.findall(r"(?:=> |^\s)(/\S+)", linked, re.MULTILINE):
            if not Path(name).is_relative_to(packages):
                yield Path(name)
    for name in LOADED_LATER:
        yield from Path("/usr/lib").glob(f"*/{name}")


def copy(path: Path, root: Path) -> None:
    """Copy a file to where it is, with the links that lead to it."""
    real = path.resolve()
    target = root / real.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(real, target)
    link = root / Path(os.path.normpath(path.parent.resolve() / path.name)).relative_to("/")
    if link != target and not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))
    # a program names its loader by the old path, /lib64/ld-linux-x86-64.so.2
    for top in ("lib", "lib64"):
        if path.parts[1] == top and Path("/", top).is_symlink() and not (root / top).exists():
            (root / top).symlink_to(Path("/", top).readlink())


def write_accounts(root: Path) -> None:
    """Write the one user, and make what it may write to: some run images as users of their own."""
    for name, text in WRITTEN.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, mode, owner in (("tmp", 0o1777, 0), ("var/lib/ctr", 0o1777, USER)):
        path = root / name
        path.mkdir(parents=True)
        path.chmod(mode)
        os.chown(path, owner, owner)


def keep_entries(files: Iterable[Path], root: Path) -> None:
    """Keep what dpkg says of the packages that files come from."""
    kept = root / "var/lib/dpkg/status.d"
    kept.mkdir(parents=True)
    for name in sorted(owners({one for path in files for one in (path, path.resolve())})):
        (kept / name.partition(":")[0]).write_text(told("dpkg", "--status", name))


def owners(files: Iterable[Path]) -> set[str]:
    """Return the packages that files are of, by dpkg's own list."""
    # dpkg may know a file of /usr/lib as one of /lib, as it was called before
    known = {str(name) for path in files for name in (path, Path("/", *path.parts[2:]))}
    lines = told("dpkg", "--search", *sorted(known), may_fail=True).splitlines()
    named = (line.partition(": ")[0] for line in lines if not line.startswith("diversion"))
    return {name for names in named for name in names.split(", ")}


def told(*command: str, may_fail: bool = False) -> str:
    """Return what a program of the system prints.

    Args:
        command: the program and its arguments.
        may_fail: what it prints is wanted whatever its status.
    """
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0 and not may_fail:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
