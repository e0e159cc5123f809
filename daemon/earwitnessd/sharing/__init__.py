"""One daemon writes, others follow: the enrolled people, signed and sealed, from one database to others."""
