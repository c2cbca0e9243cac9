"""The command `formicary`, also as `python -m formicary`. It is part of the server, which may not be installed."""

import sys


def main() -> None:
    try:
        from .cli import main as command
    except ModuleNotFoundError as missing:
        if missing.name != "click":
            raise
        sys.exit(
            "formicary: only the recorder is installed; the server and its commands: pip install 'formicary[server]'"
        )
    command(prog_name="formicary")


if __name__ == "__main__":
    main()
