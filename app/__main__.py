"""`python -m app` is `mutda`."""

from app.cli import main

main()
