"""Leaves the compiled modules out of the wheel if ``MATT_PURE`` is set; everything else is in pyproject.toml.

The wheel is then ``py3-none-any``, which a machine without a compiler installs on any platform.
"""

import os

from setuptools import Distribution, setup


class PureDistribution(Distribution):
    """The distribution without its extension modules."""

    def has_ext_modules(self) -> bool:
        """Return whether something is to be compiled."""
        return False


setup(distclass=PureDistribution if os.environ.get("MATT_PURE") else Distribution)
