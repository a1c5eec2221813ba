"""The pages of the site: operations that answer a browser with HTML, and htmx with a part of it."""

from django_matt import MattAPI

from {{ cookiecutter.app_name }}.pages import ItemPages

pages = MattAPI(
    title="{{ cookiecutter.project_name }}, pages",
    urls_namespace="pages",
    docs_url=None,
    openapi_url=None,
    # What other apps add belongs to the API.
    extensions=["matt_htmx"],
)
pages.register_controllers(ItemPages)
