{% include "users/" ~ cookiecutter.user ~ "/models.py" -%}
