"""Brings an empty database to a product's first day: migrated, with Ada's organization and Mallory's.

Run as `python -m tests.founding` with the product's environment; prints their two API keys as JSON.
"""

import json
import os
import sys

import django
from django.core.management import call_command

FOUNDERS = ("ada", "mallory")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")
    django.setup()
    from accounts.services import organizations

    call_command("migrate", verbosity=0)
    founded = [organizations.found(name, f"{name}@example.com") for name in FOUNDERS]
    sys.stdout.write(json.dumps([each.api_key for each in founded]))


if __name__ == "__main__":
    main()
