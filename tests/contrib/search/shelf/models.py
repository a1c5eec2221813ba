"""Books with words, filters and vectors; notes whose key is a UUID; pages of the documentation."""

import uuid
from typing import Any

from django.db import models


class Reader(models.Model):
    name: Any = models.CharField(max_length=50)


class Book(models.Model):
    title: Any = models.CharField(max_length=200)
    body: Any = models.TextField(blank=True, null=True)
    language: Any = models.CharField(max_length=20, default="english")
    shelf: Any = models.IntegerField(default=0)
    owner: Any = models.ForeignKey(Reader, null=True, on_delete=models.CASCADE)
    pages: Any = models.IntegerField(default=100)


class Note(models.Model):
    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4)
    text: Any = models.TextField()


class Section(models.Model):
    """A section of a page of this project's documentation."""

    place: Any = models.CharField(max_length=200, unique=True)
    title: Any = models.CharField(max_length=200)
    text: Any = models.TextField()


class Draft(models.Model):
    """A model with an index that no migration creates."""

    title: Any = models.CharField(max_length=200)
