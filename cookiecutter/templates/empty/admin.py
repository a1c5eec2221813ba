"""What the admin shows: register models here."""
