"""``python -m whylight``: the command line."""

from whylight.cli.main import main

main()
