"""Tables of several tenants. They are of this app alone: a scope changes the managers of its models for the whole process."""

from django.db import models


class Tenant(models.Model):
    name = models.CharField(max_length=20)


class Owned(models.Model):
    """What belongs to a tenant, as the base class of a tenants app would say it."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")

    class Meta:
        abstract = True


class Label(Owned):
    name = models.CharField(max_length=20)


class Publisher(Owned):
    name = models.CharField(max_length=20)


class Writer(Owned):
    name = models.CharField(max_length=20)
    publisher = models.ForeignKey(Publisher, models.CASCADE, null=True, related_name="writers")


class Shelf(models.Model):
    """Belongs to nobody."""

    name = models.CharField(max_length=20)
    best = models.ForeignKey("Volume", models.SET_NULL, null=True, related_name="+")


class VolumeQuerySet(models.QuerySet):
    def titled(self, title):
        return self.filter(title=title)


class Volume(Owned):
    title = models.CharField(max_length=20)
    writer = models.ForeignKey(Writer, models.CASCADE, related_name="volumes")
    editor = models.ForeignKey(Writer, models.CASCADE, null=True, related_name="edited")
    shelf = models.ForeignKey(Shelf, models.CASCADE, null=True, related_name="volumes")
    labels = models.ManyToManyField(Label, related_name="volumes")

    objects = VolumeQuerySet.as_manager()


class Booklet(Volume):
    """Is a volume by another name."""

    class Meta:
        proxy = True


class Atlas(Volume):
    """Inherits the columns of another table, and its scope."""

    scale = models.IntegerField(default=1)


class Cover(models.Model):
    """Belongs to the tenant of its volume."""

    volume = models.OneToOneField(Volume, models.CASCADE, related_name="cover")
    text = models.CharField(max_length=20)


class Note(models.Model):
    """Belongs to the tenant of its volume."""

    volume = models.ForeignKey(Volume, models.CASCADE, related_name="notes")
    text = models.CharField(max_length=20)
