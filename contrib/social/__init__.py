"""Sign-in at Google, GitHub, a company's identity provider, or any other provider of OpenID Connect or OAuth, by allauth.

Install the extra ``accounts``, add ``"django_matt.contrib.social"`` and allauth's apps to ``INSTALLED_APPS``, and set
``SOCIALACCOUNT_ADAPTER = "django_matt.contrib.social.adapter.SocialAdapter"``.
"""
