"""Organizations as an app of tenants offers them to others: named by a header, managed by staff."""
