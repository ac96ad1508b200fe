"""A hostile client: what it does over real sockets must stall, stop or fill no service."""
