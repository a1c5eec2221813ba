"""Models of machine learning behind typed routes: served in batches, versioned by the digest of their files, swapped without a restart.

Add ``"django_matt.contrib.ml"`` to ``INSTALLED_APPS``, and run ``migrate``. It runs any Python; the extra ``onnx`` is for models in
the format ONNX, and ``ml`` for PyTorch.
"""
