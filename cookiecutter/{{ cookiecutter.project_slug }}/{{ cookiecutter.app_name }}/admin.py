{% include cookiecutter.__models ~ "/admin.py" -%}
