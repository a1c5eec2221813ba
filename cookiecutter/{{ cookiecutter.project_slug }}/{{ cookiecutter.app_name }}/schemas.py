{% include cookiecutter.__models ~ "/schemas.py" -%}
