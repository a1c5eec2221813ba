"""Tests of ``django_matt.forms``."""
