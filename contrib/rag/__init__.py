"""Answers of language models from your own texts: sources are split, indexed and embedded; answers are streamed with citations.

Add ``"django_matt.contrib.rag"`` to ``INSTALLED_APPS`` and run ``migrate``. It needs an app that searches, such as
``django_matt.contrib.search``, and the extra ``rag``; embeddings on your own machine need ``embeddings`` too.
"""
