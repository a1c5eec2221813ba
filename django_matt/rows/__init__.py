"""The row engine: a queryset to JSON bytes, without model instances. ``engine.RowsPlan`` is its entrance."""
