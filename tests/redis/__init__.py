"""The store on Redis: a real server, started by the test itself."""
