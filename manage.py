#!/usr/bin/env python
"""Django's command line; starts the embedded services first when no URLs are given."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")
    from acron_site import embedded

    embedded.provide(os.environ)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
