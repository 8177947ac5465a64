"""`python -m phlo_hooks`: the command line."""

from phlo_hooks.cli import main

if __name__ == "__main__":
    main()
