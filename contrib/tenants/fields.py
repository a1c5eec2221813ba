"""The foreign key of a row to its organization, which every write of Django's ORM checks."""

from typing import TYPE_CHECKING, Any

from django.db import models

from django_matt.contrib.tenants.current import CURRENT, current_key
from django_matt.contrib.tenants.errors import ForeignTenant

__all__ = ["TenantForeignKey"]

if TYPE_CHECKING:
    _ForeignKey = models.ForeignKey[Any, Any]
else:
    _ForeignKey = models.ForeignKey


class TenantForeignKey(_ForeignKey):
    """A foreign key to the organization: a new row gets the current one, and no row gets another one.

    It checks ``save()``, ``bulk_create()``, ``bulk_update()`` and ``update()``. In migrations it is an ordinary foreign key.
    """

    def deconstruct(self) -> Any:
        """Return an ordinary foreign key, which has the same column."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs

    def fill(self, instance: models.Model) -> None:
        """Give a new row the current organization, if it has none."""
        if instance._state.adding and getattr(instance, self.attname) is None and CURRENT.get():
            setattr(instance, self.attname, current_key())

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Return the key to store, that of the current organization for a new row without one."""
        self.fill(model_instance)
        return super().pre_save(model_instance, add)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Return the key for the database; raise ``ForeignTenant`` for another organization than the current one."""
        tenancy = CURRENT.get()
        # The values in an expression, such as that of ``bulk_update()``, are checked one by one.
        if tenancy is not None and value is not None and not hasattr(value, "as_sql"):
            key = tenancy.key()
            if self.target_field.to_python(value) != key:
                raise ForeignTenant
        return super().get_db_prep_save(value, connection)
