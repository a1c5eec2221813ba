{% include "users/" ~ cookiecutter.user ~ "/admin.py" -%}
