{% include "users/" ~ cookiecutter.user ~ "/test_users.py" -%}
