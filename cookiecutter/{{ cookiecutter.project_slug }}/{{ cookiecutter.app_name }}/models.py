{% include cookiecutter.__models ~ "/models.py" -%}
