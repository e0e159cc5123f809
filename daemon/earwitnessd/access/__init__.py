"""Who may connect: the public sockets and the keys that open them."""
