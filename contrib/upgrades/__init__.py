"""``matt upgrade`` and ``matt adopt``: bring the code of a project to a release of Django Matt, or from another framework to it.

They need the extra ``upgrade``, and no line in ``INSTALLED_APPS``: both only read and write files, so they also work on a
project that does not start.
"""
