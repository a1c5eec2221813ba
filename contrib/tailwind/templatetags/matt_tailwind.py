"""``{% classes %}``: the same as ``class_names``, in templates."""

from django import template

from django_matt.contrib.tailwind.classes import Classes, class_names

__all__ = ["classes"]

register = template.Library()


@register.simple_tag
def classes(*given: Classes) -> str:
    """Join classes; a later utility replaces an earlier one that it conflicts with.

    ``<a class="{% classes "px-4 py-2" class %}">``. Values that are empty or not defined are left out.
    """
    return class_names(*given)
