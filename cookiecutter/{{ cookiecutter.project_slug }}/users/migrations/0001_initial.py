{% include "users/" ~ cookiecutter.user ~ "/0001_initial.py" -%}
