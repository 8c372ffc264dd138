"""The accounts app, as Django knows it."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # drf-spectacular finds an extension once its module is imported
        import_module("accounts.api.schema")
        import_module("accounts.sealed_holdings").register()
        # it reads tables, so it cannot be imported before they are ready
        import_module("accounts.sign_in.records").connect()
