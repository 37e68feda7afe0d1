"""`python -m app.cli` is `spor`."""

from app.cli import main

if __name__ == "__main__":
    main()
