"""`python -m syncgate.sandbox.play`: see demo.py."""

from syncgate.sandbox.play.demo import main

if __name__ == "__main__":
    raise SystemExit(main())
