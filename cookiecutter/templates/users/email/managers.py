"""Creates and finds users by their e-mail address, in which upper and lower case are the same."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager

if TYPE_CHECKING:
    from users.models import User


class UserManager(BaseUserManager["User"]):
    """`User.objects`."""

    use_in_migrations = True

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return the address in lower case, as it is stored."""
        return (email or "").strip().lower()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user; without a password, nobody can sign in as this user with one."""
        user = self._build(email, password, fields)
        user.save(using=self._db)
        return user

    async def acreate_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Do the same in async code."""
        user = self._build(email, password, fields)
        await user.asave(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user with all permissions, such as `manage.py createsuperuser` does."""
        fields |= {"is_staff": True, "is_superuser": True}
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user who signs in with this address; Django calls it a username."""
        return self.get(email=self.normalize_email(username))

    async def aget_by_natural_key(self, username: str | None) -> "User":
        """Do the same in async code."""
        return await self.aget(email=self.normalize_email(username))

    def _build(self, email: str, password: str | None, fields: dict[str, Any]) -> "User":
        address = self.normalize_email(email)
        if not address:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=address, **fields)
        user.set_password(password)
        return user
