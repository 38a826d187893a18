"""`python -m agents` is `veil`."""

from agents.cli import main

if __name__ == "__main__":
    main()
