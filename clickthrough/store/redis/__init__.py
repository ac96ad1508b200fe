"""A store on a Redis server."""

from clickthrough.errors import StoreError, install_hint
from clickthrough.store.base import Store
from clickthrough.store.redis.address import SCHEMES, Address

__all__ = ["SCHEMES", "open_redis"]


def open_redis(url: str) -> Store:
    """Open a store on a server; see :meth:`Address.read`.

    Raises:
        StoreError: it cannot be used.
    """
    address = Address.read(url)
    try:
        from clickthrough.store.redis.store import RedisStore
    except ModuleNotFoundError as error:
        if error.name not in {"redis", "hiredis"}:
            raise
        raise StoreError(f"{address.shown}: needs {install_hint('redis')}") from None
    return RedisStore(address)
