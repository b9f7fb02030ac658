"""The command `unspin`: one module per subcommand, which imports the packages it runs only when it runs them.

`app` registers the subcommands and reports errors; `options` holds what their command lines share. `unspin restore`
spans four more modules: `jobs` finds the files, `restore_file` restores one, `local` and `cluster` restore many.
"""

from unspin.cli.app import main

__all__ = ["main"]
