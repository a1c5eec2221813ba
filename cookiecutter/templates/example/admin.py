"""What the admin shows."""

from django.contrib import admin
{%- if cookiecutter.__b2b %}
from django.http import HttpRequest
{%- endif %}

from {{ cookiecutter.app_name }}.models import Item


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    """Items, to search and to filter."""

    list_display = ("name", {{ '"organization", ' if cookiecutter.__b2b else '' }}"price", "available", "updated")
    list_filter = ("available",)
    search_fields = ("name", "description")
{%- if cookiecutter.__b2b %}
    readonly_fields = ("organization",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: an item gets the organization of the request that creates it."""
        return False
{%- endif %}
