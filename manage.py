#!/usr/bin/env python
"""Django's command line; starts the embedded services first when no URLs are given."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acron_site.settings")
    from acron_site import embedded

    # a taken port is said before anything is started
    embedded.start(os.environ, needs_port=sys.argv[1:2] in (["up"], ["api"]) and not {"-h", "--help"} & set(sys.argv))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
