"""The base class of every error that a user can cause and mend."""


class UnspinError(Exception):
    """An error whose message says what was found, where, and what to do.

    The command line prints the message as one line and exits with status 1.
    """
