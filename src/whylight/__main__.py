"""``python -m whylight``, as torchrun starts it."""

from whylight.cli.main import main

if __name__ == "__main__":
    main()
