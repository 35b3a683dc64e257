"""`python -m rephase` is the command `rephase`."""

from rephase.cli import main

if __name__ == "__main__":
    main()
