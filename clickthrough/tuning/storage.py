"""Where a study is kept: in a journal beside its results, or in a PostgreSQL database."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.study import Study
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from clickthrough.errors import ConfigError, install_hint
from clickthrough.tuning.guard import FileGuard, Guard, PostgresGuard
from clickthrough.tuning.journal import JournalFile

Direction = Literal["minimize", "maximize"]
STORAGE = "CTR_TUNE_STORAGE"
"""The variable of the environment that names a database; its password is on no command line."""
JOURNAL, LOCKS = "study.journal", "locks"
_ABOUT = "about"
_DRIVER = "postgresql+psycopg"


def open_study(
    out: Path, url: str | None, directions: Sequence[Direction], about: Mapping[str, Any]
) -> tuple[Study, Guard]:
    """Open a study, or begin it.

    Args:
        out: the directory of its results; in a database the study has its name.
        url: of a PostgreSQL database; by default the study is a journal in the directory.
        directions: ``minimize`` or ``maximize``, an objective each.
        about: what the study is of; one of something else is refused.

    Raises:
        ConfigError: there is a study of something else, or the database cannot be reached.
    """
    optuna.logging.set_verbosity(logging.WARNING)  # of trials it would say a line each
    storage, guard = _storage(out, url)
    with guard.alone():  # of several that begin a study at once, one does
        known = {study.study_name: study for study in storage.get_all_studies()}
        if out.name not in known:
            study = optuna.create_study(
                storage=storage, study_name=out.name, directions=list(directions)
            )
            study.set_user_attr(_ABOUT, dict(about))
            return study, guard
        if known[out.name].user_attrs.get(_ABOUT) != about:
            place = f"the study '{out.name}' of --storage" if url else str(out)
            raise ConfigError(f"{place}: is of another log or configuration; name another --out")
    return optuna.load_study(storage=storage, study_name=out.name), guard


def _storage(out: Path, url: str | None) -> tuple[BaseStorage, Guard]:
    if url is None:
        guard = FileGuard(out / LOCKS)
        return JournalStorage(JournalFile(out / JOURNAL)), guard
    try:
        parsed = make_url(url)
    except ArgumentError:  # its own message would show a password
        raise ConfigError("--storage: expected postgresql://user@host/database") from None
    if parsed.get_backend_name() != "postgresql":
        raise ConfigError(
            f"--storage: expected a postgresql:// URL, found one of {parsed.get_backend_name()}"
        )
    shown = parsed.render_as_string(hide_password=True)
    whole = parsed.set(drivername=_DRIVER).render_as_string(hide_password=False)
    try:
        storage = RDBStorage(whole, engine_kwargs={"pool_pre_ping": True})
    except ImportError:
        hint = install_hint("postgres")
        raise ConfigError(f"--storage {shown}: this needs 'psycopg': {hint}") from None
    except DatabaseError as error:
        said = str(error.orig).strip().splitlines()[0]
        raise ConfigError(f"--storage {shown}: no connection: {said}") from None
    return storage, PostgresGuard(storage.engine, out.name)
