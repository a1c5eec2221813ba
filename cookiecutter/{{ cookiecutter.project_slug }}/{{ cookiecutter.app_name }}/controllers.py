{% include cookiecutter.__parts ~ "/controllers.py" -%}
