"""What the admin shows."""

from django.contrib import admin

from {{ cookiecutter.app_name }}.models import Item


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    """Items, to search and to filter."""

    list_display = ("name", "price", "available", "updated")
    list_filter = ("available",)
    search_fields = ("name", "description")
