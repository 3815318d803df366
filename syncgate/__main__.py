"""`python -m syncgate` is the command line."""

from syncgate.cli import main

if __name__ == "__main__":
    main()
