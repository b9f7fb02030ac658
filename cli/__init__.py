"""The one command, `unspin`: a thin face over data, train and infer, each loaded only by the command that needs it."""

from unspin.cli.app import main

__all__ = ["main"]
