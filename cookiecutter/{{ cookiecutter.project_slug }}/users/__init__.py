"""Users: who signs in, {{ 'with an e-mail address' if cookiecutter.__email_user else 'with a username' }} and a password."""
