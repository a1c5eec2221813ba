"""Tests of ``django_matt.contrib.forms``."""
