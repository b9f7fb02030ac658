"""The base of every error that a user causes and can mend."""


class UnspinError(Exception):
    """Its message says what was found, where, and what to do; the command line prints it as one line and exits with 1."""
