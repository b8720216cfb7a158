"""Both sides of xfr's control protocol 1.1, written from its specification and from nothing of qrate's."""
