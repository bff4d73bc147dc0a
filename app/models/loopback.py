"""Whether a server's address is on this machine, and how long a connection to one may take."""

import ipaddress
from urllib.parse import urlsplit

CONNECT_S = 5.0
"""For a server of models: one that is there takes the connection at once, and answers when it can."""


def is_loopback(url: str) -> bool:
    """Is the host of `url` this machine? A proxy for the web must not see, and cannot reach, its servers."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
