"""``python -m skcaptcha`` is the command ``skcaptcha``."""

from skcaptcha.cli import main

if __name__ == "__main__":
    main()
