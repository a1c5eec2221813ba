"""``python -m django_matt.cli`` runs ``matt``."""

from django_matt.cli import main

if __name__ == "__main__":
    main()
